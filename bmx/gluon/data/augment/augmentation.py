"""Augmentation: an image and a few uniform random numbers -> another image.

An `Augmentation` draws nothing itself. It states how many numbers an image needs (`numbers`), and the caller
draws them as suits it: for a whole epoch at once, or from the index of the image. This makes a training
repeatable with any number of workers and from any step.
"""

from __future__ import annotations

import numpy as np


class Augmentation:
    """A random change of images.

    Attributes:
        numbers: number of random numbers that an image needs.
    """

    numbers: int = 0

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Changes images.

        Args:
            images: (batch, height, width, channels), uint8 or float32; not written to.
            numbers: random numbers, uniform in [0, 1), (batch, `self.numbers`).

        Returns:
            The changed images, of the same dtype.
        """
        raise NotImplementedError


class Compose(Augmentation):
    """Several augmentations in a row, each with random numbers of its own."""

    def __init__(self, *steps: Augmentation):
        self.steps = steps
        self.numbers = sum(step.numbers for step in steps)

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Each step takes the next of the numbers."""
        start = 0
        for step in self.steps:
            images = step.apply(images, numbers[:, start : start + step.numbers])
            start += step.numbers
        return images


def below(numbers: np.ndarray, count: int) -> np.ndarray:
    """Uniform numbers in [0, 1) -> integers 0 to count - 1, equally likely."""
    return (numbers * count).astype(np.int64)


def between(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """Uniform numbers in [0, 1) -> uniform numbers in [low, high)."""
    return low + numbers * (high - low)
