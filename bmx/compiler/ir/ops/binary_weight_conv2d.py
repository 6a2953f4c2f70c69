"""binary_weight_conv2d: convolution of real values with +-1 weights."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator
from bmx.compiler.ir.ops.conv2d import CONV_ATTRIBUTES
from bmx.compiler.ir.ops.windows import conv_channels_last, conv_output, convolve


class BinaryWeightConv2D(Operator):
    """`conv2d` without bias whose weights are +-1, a bit each in the file.

    XNOR-Net's binary-weight networks (arXiv:1603.05279, section 3.1).
    """

    name = "binary_weight_conv2d"
    attributes = CONV_ATTRIBUTES
    constants = {"weight": Constant("bits")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """An image with one channel per row of the weight."""
        return conv_output(node, x, layout, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once."""
        return convolve(node, x, layout, 0.0).astype(np.float32)

    def channels_last(self, node: Node) -> Node:
        """Reorder the weight."""
        return conv_channels_last(node)
