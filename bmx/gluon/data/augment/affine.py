"""Rotation, shear and a change of the aspect ratio."""

from __future__ import annotations

import numpy as np

from bmx.gluon.data.augment.augmentation import Augmentation, between


class Affine(Augmentation):
    """Applies a random affine map around the middle of each image; the border is repeated outwards.

    Args:
        rotation: largest angle in either direction, degrees.
        shear: largest shear in either direction, as a fraction of the height.
        aspect: the ratio of width to height changes by a factor in [1 - aspect, 1 + aspect].
    """

    numbers = 3

    def __init__(self, rotation: float, shear: float, aspect: float):
        self.rotation, self.shear, self.aspect = rotation, shear, aspect

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Number 0 decides the angle, number 1 the shear, number 2 the aspect ratio."""
        height, width = images.shape[1:3]
        down, right = (
            np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2) for side in (height, width)
        )
        maps = self._maps(numbers).astype(np.float32)[..., None, None]
        rows, columns = (
            maps[:, axis, 0] * down[:, None] + maps[:, axis, 1] * right + np.float32((side - 1) / 2)
            for axis, side in enumerate((height, width))
        )
        return sample_bilinear(images, rows, columns)

    def _maps(self, numbers: np.ndarray) -> np.ndarray:
        """Matrices from positions (row, column) in the new image to the old one: (batch, 2, 2)."""
        angle = np.radians(between(numbers[:, 0], -self.rotation, self.rotation))
        shear = between(numbers[:, 1], -self.shear, self.shear)
        ratio = between(numbers[:, 2], 1 - self.aspect, 1 + self.aspect)
        tall, wide = 2 / (1 + ratio), 2 * ratio / (1 + ratio)
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
        zero = np.zeros_like(shear)
        rest = np.array([[1 / tall, zero], [shear / wide, 1 / wide]]).transpose(2, 0, 1)
        return rotation @ rest


def sample_bilinear(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolates linearly between the four pixels around a position.

    Args:
        images: (batch, height, width, channels).
        rows: row in the old image for each new pixel, float32 (batch, new height, new width).
        columns: column in the old image for each new pixel, of the same shape.

    Returns:
        (batch, new height, new width, channels) of the images' dtype.
    """
    count, height, width, channels = images.shape
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    start = np.arange(count, dtype=np.int32)[:, None, None] * (height * width) + top * width + left
    below, beside = np.where(top < height - 1, width, 0), np.where(left < width - 1, 1, 0)
    pixels = images.reshape(-1, channels)
    mixed = np.zeros((*start.shape, channels), dtype=np.float32)
    for step, share in (
        (0, (1 - down) * (1 - right)),
        (beside, (1 - down) * right),
        (below, down * (1 - right)),
        (below + beside, down * right),
    ):
        mixed += pixels.take(start + step, axis=0) * share[..., None]
    if np.issubdtype(images.dtype, np.integer):
        np.rint(mixed, out=mixed)
    return mixed.astype(images.dtype)
