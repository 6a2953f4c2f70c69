"""affine: a scale and a shift per channel."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.numerics import fused_multiply_add
from bmx.compiler.ir.ops.base import Constant, Operator, along_channels, channel_axis, expect_shape


class Affine(Operator):
    """Per channel x * scale + shift, rounded once."""

    name = "affine"
    reads = ("f32", "i32")
    constants = {"scale": Constant("f32", per_channel=True), "shift": Constant("f32", per_channel=True)}
    elementwise = True
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Real values, as many as input elements."""
        channels = x.shape[channel_axis(layout)]
        expect_shape(node, "scale", (channels,))
        expect_shape(node, "shift", (channels,))
        return ValueType("f32", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Fused multiply-add in float32; integers become float32 first."""
        scale = along_channels(node.constants["scale"], x, layout)
        shift = along_channels(node.constants["shift"], x, layout)
        return fused_multiply_add(x.astype(np.float32), scale, shift)
