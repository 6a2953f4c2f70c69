"""integer_conv2d: convolution of signs or codes with integer weights of a few bits."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CODES, Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator
from bmx.compiler.ir.ops.conv2d import CONV_ATTRIBUTES
from bmx.compiler.ir.ops.windows import conv_channels_last, conv_output, convolve, integer_bound


class IntegerConv2D(Operator):
    """Exact sums of products of +-1 or codes with integers; out-of-image taps contribute nothing."""

    name = "integer_conv2d"
    reads = ("bits", *CODES)
    attributes = CONV_ATTRIBUTES
    constants = {"weight": Constant("i16")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """An image of integers with one channel per row of the weight."""
        integer_bound(node, x)
        return conv_output(node, x, layout, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Exact integers: float64 holds sums below 2^31."""
        return convolve(node, x, layout, 0.0).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The largest input times the largest sum of a filter's magnitudes."""
        return integer_bound(node, x)

    def channels_last(self, node: Node) -> Node:
        """Reorder the weight."""
        return conv_channels_last(node)
