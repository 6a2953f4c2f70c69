"""Augmentations that change the size of images."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np

from bmx.gluon.data.augment.augmentation import Augmentation, between

_BILINEAR = 1  # the number of this interpolation in MXNet's imresize
_ATTEMPTS = 10


class ResizeShorter(Augmentation):
    """Resizes images so that their shorter side is `size`; the aspect ratio stays.

    Args:
        size: length of the shorter side, pixels.
    """

    def __init__(self, size: int):
        self.size = size

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Nothing is random: no numbers."""
        height, width = images.shape[1:3]
        scale = self.size / min(height, width)
        new = max(self.size, round(height * scale)), max(self.size, round(width * scale))
        return np.stack([resized(image, *new) for image in images])


class CenterCrop(Augmentation):
    """Cuts the middle out of each image.

    Args:
        size: height and width of the result, pixels.
    """

    def __init__(self, size: int):
        self.size = size

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Nothing is random: no numbers."""
        top, left = ((side - self.size) // 2 for side in images.shape[1:3])
        return images[:, top : top + self.size, left : left + self.size]


class RandomResizedCrop(Augmentation):
    """Cuts a random part out of each image and resizes it to a square (GoogLeNet, 1409.4842).

    Draws area and aspect ratio up to ten times until such a window fits into the image; if none does, takes
    the largest square in the middle.

    Args:
        size: height and width of the result, pixels.
        area: least and largest area of the window, as a fraction of the image's; uniform in between.
        ratio: least and largest ratio of width to height; its logarithm is uniform in between.
    """

    numbers = 2 * _ATTEMPTS + 2

    def __init__(
        self, size: int, area: tuple[float, float] = (0.08, 1.0), ratio: tuple[float, float] = (3 / 4, 4 / 3)
    ):
        self.size, self.area, self.ratio = size, area, ratio

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Numbers 0 to 9 decide the areas, 10 to 19 the ratios, 20 and 21 the position."""
        results = []
        for image, row in zip(images, numbers):
            top, left, height, width = self.window(image.shape[0], image.shape[1], row)
            results.append(resized(image[top : top + height, left : left + width], self.size, self.size))
        return np.stack(results)

    def window(self, height: int, width: int, numbers: np.ndarray) -> tuple[int, int, int, int]:
        """Row, column, height and width of the window in an image of this size."""
        areas = between(numbers[:_ATTEMPTS], *self.area) * height * width
        ratios = np.exp(between(numbers[_ATTEMPTS:-2], *np.log(self.ratio)))
        widths, heights = np.rint(np.sqrt(areas * ratios)), np.rint(np.sqrt(areas / ratios))
        fits = (widths >= 1) & (heights >= 1) & (widths <= width) & (heights <= height)
        if not fits.any():
            side = min(height, width)
            return (height - side) // 2, (width - side) // 2, side, side
        first = int(np.argmax(fits))
        tall, wide = int(heights[first]), int(widths[first])
        top, left = (
            math.floor(n * room) for n, room in zip(numbers[-2:], (height - tall + 1, width - wide + 1))
        )
        return top, left, tall, wide


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes an image uint8 (height, width, channels)."""
    if image.shape[:2] == (height, width):
        return image
    source = mx.nd.array(np.ascontiguousarray(image), dtype=image.dtype)
    return mx.image.imresize(source, width, height, _BILINEAR).asnumpy()
