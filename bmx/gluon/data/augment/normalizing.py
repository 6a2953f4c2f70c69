"""From 8-bit images to the input of a net."""

from __future__ import annotations

from typing import Sequence

import numpy as np


class Normalizer:
    """(pixel / 255 - mean) / std, computed in double precision and rounded once.

    A packed file does the same with the bytes of an image (docs/format.md, "preprocessing"), so it sees
    exactly the numbers that the net was trained with.

    Args:
        channels: number of channels.
        mean: mean of each channel, 0 to 1; 0 by default.
        std: standard deviation of each channel; 1 by default.

    Raises:
        ValueError: these are not a number for each channel.
    """

    def __init__(
        self, channels: int, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
    ):
        means = np.zeros(channels) if mean is None else np.asarray(mean, dtype=np.float64)
        stds = np.ones(channels) if std is None else np.asarray(std, dtype=np.float64)
        if means.shape != (channels,) or stds.shape != (channels,) or not (stds > 0).all():
            raise ValueError(
                f"normalization of {channels} channels: expected for each a mean and a std above 0, found "
                f"mean {mean} and std {std}"
            )
        pixels = np.arange(256) * (1 / 255)
        self._values = ((pixels - means[:, None]) / stds[:, None]).astype(np.float32)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """uint8 (batch, height, width, channels) -> float32 (batch, channels, height, width)."""
        batch, height, width, channels = images.shape
        result = np.empty((batch, channels, height, width), dtype=np.float32)
        for channel, values in enumerate(self._values):
            result[:, channel] = values[images[..., channel]]
        return result
