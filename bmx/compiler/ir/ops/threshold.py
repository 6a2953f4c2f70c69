"""threshold: real or integer values to bits, against one threshold per channel."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, along_channels, channel_axis, expect_shape


class Threshold(Operator):
    """Bit = not (x < t) where flip is false, not (x > t) where it is true; so NaN gives +1."""

    name = "threshold"
    reads = ("f32", "i32")
    constants = {"threshold": Constant("input", per_channel=True), "flip": Constant("mask")}
    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Bits, as many as input elements."""
        channels = x.shape[channel_axis(layout)]
        expect_shape(node, "threshold", (channels,))
        expect_shape(node, "flip", (channels,))
        return ValueType("bits", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Compare in the input's own type."""
        threshold = along_channels(node.constants["threshold"], x, layout)
        flip = along_channels(node.constants["flip"], x, layout)
        below, above = x < threshold, x > threshold
        return np.where(np.where(flip, above, below), -1, 1).astype(np.int8)
