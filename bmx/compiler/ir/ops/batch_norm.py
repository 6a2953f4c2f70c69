"""batch_norm: inference-time batch normalisation, until a pass has folded it."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Attribute, Constant, Operator, along_channels, channel_axis, expect_shape

ROLES = ("gamma", "beta", "mean", "variance")


class BatchNorm(Operator):
    """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta, in MXNet's own order of roundings.

    Each operation rounds to float32, which gives the bits of MXNet's inference, so a sign behind it falls the
    same way.
    """

    name = "batch_norm"
    attributes = {"epsilon": Attribute("a number of at least 0", lambda v: isinstance(v, float) and v >= 0)}
    constants = {role: Constant("f32") for role in ROLES}
    in_file = False
    elementwise = True
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        for role in ROLES:
            expect_shape(node, role, (x.shape[channel_axis(layout)],))
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """All in float32."""
        gamma, beta, mean, variance = (along_channels(node.constants[role], x, layout) for role in ROLES)
        with np.errstate(over="ignore", invalid="ignore"):
            scale = gamma / np.sqrt(variance + np.float32(node.attrs["epsilon"]))
            return (x - mean) * scale + beta
