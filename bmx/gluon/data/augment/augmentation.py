"""Augmentation: an image and a few uniform random numbers -> another image.

An `Augmentation` draws nothing itself. It says how many numbers an image needs (`numbers`), and whoever
calls it draws them, in a way that suits the caller: for a whole epoch at once, or from the image's index.
That makes training repeatable on any number of workers and from any step on.
"""

from __future__ import annotations

import numpy as np


class Augmentation:
    """Changes images.

    Attributes:
        numbers: how many random numbers an image needs.
    """

    numbers: int = 0

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The changed images.

        Args:
            images: (batch, height, width, channels), uint8 or float32; not written to.
            numbers: uniform in [0, 1), (batch, `self.numbers`).

        Returns:
            Images of the same dtype.
        """
        raise NotImplementedError


class Compose(Augmentation):
    """One augmentation after the other, each with numbers of its own."""

    def __init__(self, *steps: Augmentation):
        self.steps = steps
        self.numbers = sum(step.numbers for step in steps)

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """See `Augmentation.apply`."""
        start = 0
        for step in self.steps:
            images = step.apply(images, numbers[:, start : start + step.numbers])
            start += step.numbers
        return images


def below(numbers: np.ndarray, count: int) -> np.ndarray:
    """Uniform numbers in [0, 1) -> integers 0 to count - 1, each as likely."""
    return (numbers * count).astype(np.int64)


def between(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """Uniform numbers in [0, 1) -> uniform numbers in [low, high)."""
    return low + numbers * (high - low)
