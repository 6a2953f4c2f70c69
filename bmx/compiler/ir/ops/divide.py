"""divide: division by numbers that are known, until a pass has made it a multiplication."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, along_channels, channel_axis, expect_shape

# Magnitudes of divisors: float32 holds their reciprocals with all digits.
LEAST, MOST = 1e-37, 1e37


class Divide(Operator):
    """x / divisor of its channel, rounded once; so a sign behind it falls as in MXNet."""

    name = "divide"
    constants = {"divisor": Constant("f32")}
    in_file = False
    elementwise = True
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        expect_shape(node, "divisor", (x.shape[channel_axis(layout)],))
        magnitude = np.abs(node.constants["divisor"])
        if not np.all((magnitude >= LEAST) & (magnitude <= MOST)):
            raise GraphError(
                f"node {node.name!r}: divisors should have magnitudes from {LEAST:g} to {MOST:g}."
            )
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """In float32."""
        with np.errstate(over="ignore"):
            return x / along_channels(node.constants["divisor"], x, layout)
