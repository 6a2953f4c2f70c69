"""Augmentations that move a window over images of one size."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bmx.gluon.data.augment.augmentation import Augmentation, below


class PaddedCrop(Augmentation):
    """Pads each image on all sides and cuts out a random window of the original size.

    With padding 4 this is the augmentation of CIFAR-10 in the paper of ResNet (1512.03385, section 4.2).

    Args:
        padding: pixels on each side.
        mode: mode of `numpy.pad`: `"constant"` (zeros) or `"edge"` (the border is repeated).
    """

    numbers = 2

    def __init__(self, padding: int, mode: Literal["constant", "edge"] = "constant"):
        self.padding, self.mode = padding, mode

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Number 0 decides the row of the window, number 1 its column."""
        height, width = images.shape[1:3]
        margin = (self.padding, self.padding)
        padded = np.pad(images, ((0, 0), margin, margin, (0, 0)), mode=self.mode)
        rows, columns = below(numbers, 2 * self.padding + 1).T
        return windows(padded, rows, columns, height, width)


class Crop(Augmentation):
    """Cuts a random window out of each image.

    Args:
        size: height and width of the window.

    Raises:
        ValueError: (on use) the images are smaller.
    """

    numbers = 2

    def __init__(self, size: int):
        self.size = size

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Number 0 decides the row of the window, number 1 its column."""
        height, width = images.shape[1:3]
        if min(height, width) < self.size:
            raise ValueError(
                f"Crop: expected images of at least {self.size} x {self.size} pixels, found {height} x "
                f"{width}; resize them first"
            )
        rows = below(numbers[:, 0], height - self.size + 1)
        columns = below(numbers[:, 1], width - self.size + 1)
        return windows(images, rows, columns, self.size, self.size)


class Mirror(Augmentation):
    """Mirrors each image from left to right with probability one half."""

    numbers = 1

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """An image is mirrored where its number is below 0.5."""
        chosen = numbers[:, 0] < 0.5
        result = images.copy()
        result[chosen] = images[chosen, :, ::-1]
        return result


def windows(images: np.ndarray, rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cuts one window out of each image.

    Args:
        images: (batch, height of the image, width of the image, channels).
        rows: rows of the upper left corners, integers (batch,).
        columns: columns of the upper left corners, integers (batch,).
        height: height of the windows.
        width: width of the windows.

    Returns:
        (batch, height, width, channels).
    """
    count, _, _, channels = images.shape
    shape = (count, images.shape[1] - height + 1, images.shape[2] - width + 1, height, width, channels)
    steps = images.strides
    views = np.lib.stride_tricks.as_strided(images, shape, (*steps[:3], *steps[1:]), writeable=False)
    return views[np.arange(count), rows, columns]


def random_shift(pixels: int) -> PaddedCrop:
    """Moves each image by up to `pixels` along both axes, repeating its border."""
    return PaddedCrop(pixels, mode="edge")
