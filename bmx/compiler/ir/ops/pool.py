"""Pooling: the largest value of each window, or the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, boolean, expect_rank, pair
from bmx.compiler.ir.ops.images import (
    from_channels_last,
    image_sizes,
    image_type,
    sliding_windows,
    to_channels_last,
)


class _Pooling(Operator):
    attributes = {
        "kernel": pair(1),
        "strides": pair(1, [1, 1]),
        "padding": pair(0, [0, 0]),
        "ceil_mode": boolean(False),
    }

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_rank(node, x, 3)
        height, width, channels = image_sizes(x, layout)
        sizes = [_pool_size(node, axis, size) for axis, size in enumerate((height, width))]
        return image_type(x.dtype, sizes[0], sizes[1], channels, layout)


class MaxPool2D(_Pooling):
    """The largest value of each window; out-of-image positions never win. On bits this is OR."""

    name = "max_pool2d"
    signature = "f32, i32 or bits [H,W,C] -> same dtype [H',W',C]"
    reads = ("f32", "i32", "bits")
    selects = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Pad with the least value, which never wins because each window touches the image."""
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        windows = _windows(node, x, layout, least, least)
        return from_channels_last(windows.max(axis=(-2, -1)), layout)


class AvgPool2D(_Pooling):
    """The mean of each window.

    The divisor counts the positions inside the image, with `count_include_pad` also those of its padding, and
    never those past the padding that `ceil_mode` lets a window reach.
    """

    name = "avg_pool2d"
    signature = "f32 [H,W,C] -> f32 [H',W',C]"
    attributes = {**_Pooling.attributes, "count_include_pad": boolean(True)}

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sum in float64, divide, round once."""
        pad_counts = float(node.attrs["count_include_pad"])
        sums = _windows(node, x.astype(np.float64), layout, 0.0, 0.0).sum(axis=(-2, -1))
        counts = _windows(node, np.ones_like(x), layout, pad_counts, 0.0).sum(axis=(-2, -1))
        return from_channels_last((sums / counts).astype(np.float32), layout)


def _pool_size(node: Node, axis: int, size: int) -> int:
    kernel, stride, pad = (node.attrs[key][axis] for key in ("kernel", "strides", "padding"))
    if pad >= kernel:
        raise GraphError(f"node {node.name!r}: padding {pad} should be smaller than the kernel {kernel}.")
    span = size + 2 * pad - kernel
    if span < 0:
        raise GraphError(
            f"node {node.name!r}: the kernel {kernel} is larger than the padded input {size + 2 * pad}."
        )
    count = (-(-span // stride) if node.attrs["ceil_mode"] else span // stride) + 1
    if (count - 1) * stride - pad >= size:
        raise GraphError(f"node {node.name!r}: its last window lies outside the image; use a smaller stride.")
    return count


def _windows(node: Node, x: np.ndarray, layout: str, pad_fill: Any, past_fill: Any) -> np.ndarray:
    """Windows [N, H', W', C, kernel height, kernel width] of a pooling.

    The image's padding holds ``pad_fill``; positions past it, which `ceil_mode` lets a window reach, hold
    ``past_fill``.
    """
    kernel, strides, padding = (node.attrs[key] for key in ("kernel", "strides", "padding"))
    x = to_channels_last(x, layout)
    pads, past = [(0, 0)] * 4, [(0, 0)] * 4
    for axis in range(2):
        size, pad = x.shape[axis + 1], padding[axis]
        reach = (_pool_size(node, axis, size) - 1) * strides[axis] + kernel[axis]
        pads[axis + 1] = (pad, pad)
        past[axis + 1] = (0, max(0, reach - size - 2 * pad))
    padded = np.pad(np.pad(x, pads, constant_values=pad_fill), past, constant_values=past_fill)
    return sliding_windows(padded, kernel, strides, (0, 0), past_fill)
