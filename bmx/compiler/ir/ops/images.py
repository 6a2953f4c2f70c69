"""Images in both layouts: their sizes and types, and windows that slide over them."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, ValueType


def to_channels_last(x: np.ndarray, layout: str) -> np.ndarray:
    """A batch in the given layout as batch, height, width, channels."""
    return x.transpose(0, 2, 3, 1) if layout == CHANNELS_FIRST else x


def from_channels_last(x: np.ndarray, layout: str) -> np.ndarray:
    """A batch of height, width, channels in the given layout."""
    return x.transpose(0, 3, 1, 2) if layout == CHANNELS_FIRST else x


def image_sizes(x: ValueType, layout: str) -> tuple[int, int, int]:
    """Height, width and channels of a sample."""
    if layout == CHANNELS_FIRST:
        return x.shape[1], x.shape[2], x.shape[0]
    return x.shape[0], x.shape[1], x.shape[2]


def image_type(dtype: str, height: int, width: int, channels: int, layout: str) -> ValueType:
    """Type of an image in the given layout."""
    shape = (channels, height, width) if layout == CHANNELS_FIRST else (height, width, channels)
    return ValueType(dtype, shape)


def sliding_windows(
    x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], padding: Sequence[int], fill: Any
) -> np.ndarray:
    """Windows [N, H', W', C, kernel height, kernel width] of a padded batch."""
    pads = [(0, 0), (padding[0], padding[0]), (padding[1], padding[1]), (0, 0)]
    padded = np.pad(x, pads, constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view
    windows: np.ndarray = view(padded, tuple(kernel), axis=(1, 2))  # type: ignore[call-overload]
    return windows[:, :: strides[0], :: strides[1]]
