"""conv2d: convolution of real values."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, along_channels, integer, pair
from bmx.compiler.ir.ops.windows import conv_channels_last, conv_output, convolve

CONV_ATTRIBUTES = {
    "strides": pair(1, [1, 1]),
    "padding": pair(0, [0, 0]),
    "dilation": pair(1, [1, 1]),
    "groups": integer(1, 1),
}


class Conv2D(Operator):
    """Cross-correlation with zero padding, plus a bias per output channel."""

    name = "conv2d"
    attributes = CONV_ATTRIBUTES
    constants = {"weight": Constant("f32"), "bias": Constant("f32", optional=True)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """An image with one channel per row of the weight."""
        return conv_output(node, x, layout, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once: the value that every order of float32 sums approximates."""
        sums = convolve(node, x, layout, 0.0)
        if "bias" in node.constants:
            sums = sums + along_channels(node.constants["bias"].astype(np.float64), sums, layout)
        return sums.astype(np.float32)

    def channels_last(self, node: Node) -> Node:
        """Reorder the weight."""
        return conv_channels_last(node)
