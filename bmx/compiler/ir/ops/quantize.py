"""From numbers to bits and codes: by comparison with constant thresholds, and by definition."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.numerics import round_half_away, sign
from bmx.compiler.ir.ops.base import (
    Constant,
    Elementwise,
    along_channels,
    bit_count,
    channel_axis,
    expect_per_channel,
    expect_shape,
)


class Threshold(Elementwise):
    """Bit = not (x < t) where flip is false, not (x > t) where it is true; so NaN gives +1."""

    name = "threshold"
    signature = "f32 or i32 [..,C] -> bits"
    reads = ("f32", "i32")
    constants = {"threshold": Constant("input", per_channel=True), "flip": Constant("mask")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_per_channel(node, x, layout)
        return ValueType("bits", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Compare in the input's own type."""
        threshold = along_channels(node.constants["threshold"], x, layout)
        flip = along_channels(node.constants["flip"], x, layout)
        below, above = x < threshold, x > threshold
        return np.where(np.where(flip, above, below), -1, 1).astype(np.int8)


class Quantize(Elementwise):
    """How many of a channel's thresholds t have not (x < t); 2^bits - 1 less that where flip is true.

    Thresholds are not NaN, and never descend along their first axis.
    """

    name = "quantize"
    signature = "f32 or i32 [..,C] -> u1 to u8: u-`bits`"
    reads = ("f32", "i32")
    attributes = {"bits": bit_count()}
    constants = {
        "threshold": Constant("input", per_channel=True, shape="2^bits - 1,C"),
        "flip": Constant("mask"),
    }

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
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
        """Whether no channel is flipped."""
        return not node.constants["flip"].any()

    def permute_input(self, node: Node, order: np.ndarray) -> Node:
        threshold, flip = node.constants["threshold"], node.constants["flip"]
        return node.with_constants(threshold=threshold[:, order], flip=flip[order])


class ToPlanes(Elementwise):
    """The same numbers, as the codes that integer layers read."""

    name = "to_planes"
    signature = "bytes -> u8"
    reads = ("bytes",)

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return ValueType("u8", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x


class _Rows(Elementwise):
    """Bits or codes of real values. Their rows are channels, so a value is a vector or an image."""

    in_file = False

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        if len(x.shape) not in (1, 3):
            raise GraphError(f"node {node.name!r}: {node.op} expects a vector or an image, found {x}.")
        return ValueType(f"u{node.attrs['bits']}" if "bits" in node.attrs else "bits", x.shape)


class Sign(_Rows):
    """-1 where x < 0, otherwise +1; so 0, -0.0 and NaN give +1."""

    name = "sign"

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return sign(x)


class Code(_Rows):
    """The nearest integer of 0 to 2^bits - 1; halves upwards."""

    name = "code"
    attributes = {"bits": bit_count()}
    non_decreasing = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Clip, then round; NaN gives the largest code, as a comparison that fails with every threshold."""
        largest = np.float32(2 ** node.attrs["bits"] - 1)
        held = np.where(np.isnan(x), largest, np.clip(x, np.float32(0), largest))
        return round_half_away(held).astype(np.uint8)
