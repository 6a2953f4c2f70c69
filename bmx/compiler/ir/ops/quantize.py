"""quantize: real or integer values to codes of k bits, by thresholds per channel."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import (
    Constant,
    Operator,
    along_channels,
    bit_count,
    channel_axis,
    expect_shape,
)


class Quantize(Operator):
    """How many of a channel's thresholds x is not below; 2^bits - 1 less that where flip is true."""

    name = "quantize"
    reads = ("f32", "i32")
    attributes = {"bits": bit_count()}
    constants = {"threshold": Constant("input", per_channel=True), "flip": Constant("mask")}
    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Codes, as many as input elements."""
        channels, bits = x.shape[channel_axis(layout)], node.attrs["bits"]
        expect_shape(node, "threshold", (2**bits - 1, channels))
        expect_shape(node, "flip", (channels,))
        threshold = node.constants["threshold"]
        if not np.all(threshold[:-1] <= threshold[1:]) or np.isnan(threshold).any():
            raise GraphError(f"node {node.name!r}: the thresholds of each channel should ascend.")
        return ValueType(f"u{bits}", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Compare in the input's own type; NaN is below no threshold."""
        reached = np.zeros(x.shape, dtype=np.uint8)
        for threshold in node.constants["threshold"]:
            reached += ~(x < along_channels(threshold, x, layout))
        flip = along_channels(node.constants["flip"], x, layout)
        return np.where(flip, 2 ** node.attrs["bits"] - 1 - reached, reached).astype(np.uint8)

    def is_non_decreasing(self, node: Node) -> bool:
        """Where no channel is flipped."""
        return not node.constants["flip"].any()

    def permute_input(self, node: Node, order: np.ndarray) -> Node:
        """The node with its channels reordered."""
        threshold, flip = node.constants["threshold"], node.constants["flip"]
        return node.with_constants(threshold=threshold[:, order], flip=flip[order])
