"""Random images, and the random numbers of an augmentation."""

from __future__ import annotations

import numpy as np

from bmx.gluon.data import Augmentation


def make_images(count: int, height: int = 9, width: int = 8, channels: int = 3) -> np.ndarray:
    """uint8 (count, height, width, channels)."""
    return np.random.RandomState(2).randint(0, 256, (count, height, width, channels)).astype(np.uint8)


def draw(augmentation: Augmentation, count: int, seed: int = 0) -> np.ndarray:
    """The numbers of `count` images: float64 (count, numbers of the augmentation)."""
    return np.random.RandomState(seed).random_sample((count, augmentation.numbers))
