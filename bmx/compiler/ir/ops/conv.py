"""Convolutions whose sums are real numbers."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import (
    Constant,
    Operator,
    along_channels,
    expect_rank,
    expect_shape,
    integer,
    pair,
)
from bmx.compiler.ir.ops.images import (
    from_channels_last,
    image_sizes,
    image_type,
    sliding_windows,
    to_channels_last,
)


class Convolution(Operator):
    """What every convolution is, real or integer: its attributes, and where its weight has the channels."""

    attributes = {
        "strides": pair(1, [1, 1]),
        "padding": pair(0, [0, 0]),
        "dilation": pair(1, [1, 1]),
        "groups": integer(1, 1),
    }

    def channels_last(self, node: Node) -> Node:
        """The weight reordered from O, I, KH, KW to O, KH, KW, I."""
        weight = node.constants["weight"].transpose(0, 2, 3, 1)
        return node.with_constants(weight=np.ascontiguousarray(weight))


class Conv2D(Convolution):
    """Cross-correlation with zero padding, plus a bias per output channel."""

    name = "conv2d"
    constants = {
        "weight": Constant("f32", shape="O,KH,KW,I/groups"),
        "bias": Constant("f32", optional=True, shape="O"),
    }
    signature = "f32 [H,W,I] -> f32 [H',W',O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return conv_output(node, x, layout, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once: the value that every order of float32 sums approximates."""
        sums = convolve(node, x, layout, 0.0)
        if "bias" in node.constants:
            sums = sums + along_channels(node.constants["bias"].astype(np.float64), sums, layout)
        return sums.astype(np.float32)


class BinaryWeightConv2D(Convolution):
    """`conv2d` without bias whose weights are +-1, a bit each in the file.

    XNOR-Net's binary-weight networks (arXiv:1603.05279, section 3.1).
    """

    name = "binary_weight_conv2d"
    constants = {"weight": Constant("bits", shape="O,KH,KW,I/groups")}
    signature = "f32 [H,W,I] -> f32 [H',W',O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return conv_output(node, x, layout, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once."""
        return convolve(node, x, layout, 0.0).astype(np.float32)


def conv_output(node: Node, x: ValueType, layout: str, dtype: str) -> ValueType:
    """Type of a convolution's result; checks the input against the weight."""
    expect_rank(node, x, 3)
    height, width, channels = image_sizes(x, layout)
    inputs = _of_a_group(node, channels, "input")
    first = layout == CHANNELS_FIRST
    expect_shape(node, "weight", (None, inputs, None, None) if first else (None, None, None, inputs))
    outputs, *kernel, _ = _weight_channels_last(node.constants["weight"], layout).shape
    _of_a_group(node, outputs, "output")
    expect_shape(node, "bias", (outputs,))
    sizes = [_output_size(node, axis, *pair) for axis, pair in enumerate(zip((height, width), kernel))]
    if min(sizes) < 1:
        raise GraphError(f"node {node.name!r}: the kernel is larger than the padded input {x}.")
    return image_type(dtype, sizes[0], sizes[1], outputs, layout)


def _of_a_group(node: Node, channels: int, kind: str) -> int:
    groups: int = node.attrs["groups"]
    if channels % groups:
        raise GraphError(
            f"node {node.name!r}: {channels} {kind} channels cannot be split into {groups} groups."
        )
    return channels // groups


def _output_size(node: Node, axis: int, size: int, kernel: int) -> int:
    pad, dilation, stride = (node.attrs[key][axis] for key in ("padding", "dilation", "strides"))
    return int((size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1)


def convolve(node: Node, x: np.ndarray, layout: str, pad_value: float) -> np.ndarray:
    """Cross-correlation in float64, in which sums of integers are exact."""
    x = to_channels_last(x, layout).astype(np.float64)
    weight = _weight_channels_last(node.constants["weight"], layout).astype(np.float64)
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


def _weight_channels_last(weight: np.ndarray, layout: str) -> np.ndarray:
    """A convolution's weight as O, KH, KW, I."""
    return weight.transpose(0, 2, 3, 1) if layout == CHANNELS_FIRST else weight
