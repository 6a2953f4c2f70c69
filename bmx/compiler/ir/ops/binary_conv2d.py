"""binary_conv2d: convolution of +-1 values with +-1 weights."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, choice
from bmx.compiler.ir.ops.conv2d import CONV_ATTRIBUTES
from bmx.compiler.ir.ops.windows import conv_channels_last, conv_output, convolve, dot_terms


class BinaryConv2D(Operator):
    """Dot products of +-1 values; out-of-image taps count as `pad_value`."""

    name = "binary_conv2d"
    reads = ("bits",)
    attributes = {**CONV_ATTRIBUTES, "pad_value": choice(0, 1, -1)}
    constants = {"weight": Constant("bits")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """An image of integers with one channel per row of the weight."""
        dot_terms(node)
        return conv_output(node, x, layout, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Exact integers."""
        return convolve(node, x, layout, node.attrs["pad_value"]).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The number of taps times the channels of a group."""
        return dot_terms(node)

    def channels_last(self, node: Node) -> Node:
        """Reorder the weight."""
        return conv_channels_last(node)
