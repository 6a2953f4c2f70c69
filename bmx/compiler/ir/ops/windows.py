"""Sliding windows: what convolution and pooling share. Arrays here are batch, height, width, channels."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, GraphError, Node, ValueType, largest
from bmx.compiler.ir.ops.base import expect_rank, expect_shape
from bmx.compiler.ir.planes import planes_of

# Integers below this are exact in the float32 that training computes with.
EXACT_IN_FLOAT32 = 2**24
_INT32 = 2**31


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


def weight_channels_last(weight: np.ndarray, layout: str) -> np.ndarray:
    """A convolution's weight as O, KH, KW, I."""
    return weight.transpose(0, 2, 3, 1) if layout == CHANNELS_FIRST else weight


def conv_output(node: Node, x: ValueType, layout: str, dtype: str) -> ValueType:
    """Type of a convolution's result; checks the input against the weight."""
    expect_rank(node, x, 3)
    height, width, channels = image_sizes(x, layout)
    weight, groups = node.constants["weight"], node.attrs["groups"]
    if channels % groups:
        raise GraphError(
            f"node {node.name!r}: {channels} input channels cannot be split into {groups} groups."
        )
    inputs = channels // groups
    first = layout == CHANNELS_FIRST
    expect_shape(node, "weight", (None, inputs, None, None) if first else (None, None, None, inputs))
    outputs, kernel_h, kernel_w, _ = weight_channels_last(weight, layout).shape
    if outputs % groups:
        raise GraphError(
            f"node {node.name!r}: {outputs} output channels cannot be split into {groups} groups."
        )
    expect_shape(node, "bias", (outputs,))
    sizes = [
        (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for size, pad, dilation, kernel, stride in zip(
            (height, width),
            node.attrs["padding"],
            node.attrs["dilation"],
            (kernel_h, kernel_w),
            node.attrs["strides"],
        )
    ]
    if min(sizes) < 1:
        raise GraphError(f"node {node.name!r}: the kernel is larger than the padded input {x}.")
    return image_type(dtype, sizes[0], sizes[1], outputs, layout)


def convolve(node: Node, x: np.ndarray, layout: str, pad_value: float) -> np.ndarray:
    """Cross-correlation in float64, in which sums of integers are exact."""
    x = to_channels_last(x, layout).astype(np.float64)
    weight = weight_channels_last(node.constants["weight"], layout).astype(np.float64)
    groups, dilation = node.attrs["groups"], node.attrs["dilation"]
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[1:3])]
    windows = sliding_windows(x, extent, node.attrs["strides"], node.attrs["padding"], pad_value)
    windows = windows[..., :: dilation[0], :: dilation[1]]
    inputs, outputs = weight.shape[3], weight.shape[0] // groups
    parts = [
        np.einsum(
            "nhwikl,okli->nhwo",
            windows[:, :, :, g * inputs : (g + 1) * inputs],
            weight[g * outputs : (g + 1) * outputs],
            optimize=True,
        )
        for g in range(groups)
    ]
    return from_channels_last(np.concatenate(parts, axis=-1), layout)


def sliding_windows(
    x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], padding: Sequence[int], fill: Any
) -> np.ndarray:
    """Windows [N, H', W', C, kernel height, kernel width] of a padded batch."""
    pads = [(0, 0), (padding[0], padding[0]), (padding[1], padding[1]), (0, 0)]
    padded = np.pad(x, pads, constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view
    windows: np.ndarray = view(padded, tuple(kernel), axis=(1, 2))  # type: ignore[call-overload]
    return windows[:, :: strides[0], :: strides[1]]


def conv_channels_last(node: Node) -> Node:
    """A convolution with its weight reordered from O, I, KH, KW to O, KH, KW, I."""
    weight = node.constants["weight"].transpose(0, 2, 3, 1)
    return node.with_constants(weight=np.ascontiguousarray(weight))


def pool_output(node: Node, x: ValueType, layout: str) -> ValueType:
    """Type of a pooling's result."""
    expect_rank(node, x, 3)
    height, width, channels = image_sizes(x, layout)
    sizes = [_pool_size(node, axis, size) for axis, size in enumerate((height, width))]
    return image_type(x.dtype, sizes[0], sizes[1], channels, layout)


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


def pool_windows(node: Node, x: np.ndarray, layout: str, pad_fill: Any, past_fill: Any) -> np.ndarray:
    """Windows [N, H', W', C, kernel height, kernel width] of a pooling.

    The image's padding holds ``pad_fill``; what `ceil_mode` lets a window reach behind that holds
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


def dot_terms(node: Node) -> int:
    """Number of terms in each dot product of a binary operator."""
    weight = node.constants["weight"]
    terms = weight.size // weight.shape[0]
    if terms >= EXACT_IN_FLOAT32:
        raise GraphError(f"node {node.name!r}: {terms} terms in a dot product; at most 2^24 - 1 are exact.")
    return terms


def integer_bound(node: Node, x: ValueType) -> int:
    """Largest magnitude of the sums of an integer layer; raises `GraphError` if they might leave int32.

    A reader of the file knows the weights' bits only, and refuses what might leave int32 by these.
    """
    weight = node.constants["weight"]
    planes = planes_of(weight)
    if planes is None:
        raise GraphError(
            f"node {node.name!r}: weights should be integers of at most 8 bits, or odd ones from -255 to "
            f"255, found {weight.min()} to {weight.max()}."
        )
    terms = weight.size // weight.shape[0]
    if largest(x.dtype) * planes.largest * terms >= _INT32:
        raise GraphError(
            f"node {node.name!r}: sums of {terms} products of inputs up to {largest(x.dtype)} and weights "
            f"up to {planes.largest} can leave 32 bits; use fewer bits."
        )
    magnitudes = np.abs(weight).reshape(len(weight), -1).sum(axis=1, dtype=np.int64)
    return largest(x.dtype) * int(magnitudes.max())
