"""clip: limits from below and above."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, expect_shape


class Clip(Operator):
    """max(low, min(high, x)); one limit may be infinite."""

    name = "clip"
    constants = {"low": Constant("f32"), "high": Constant("f32")}
    elementwise = True
    monotone = True
    non_decreasing = True
    by_position = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        expect_shape(node, "low", (1,))
        expect_shape(node, "high", (1,))
        low, high = node.constants["low"][0], node.constants["high"][0]
        if not low <= high:
            raise GraphError(f"node {node.name!r}: low should not be above high, found {low} and {high}.")
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Compare in float32; NaN stays NaN."""
        return np.maximum(node.constants["low"], np.minimum(node.constants["high"], x))

    def permute_input(self, node: Node, order: np.ndarray) -> Node:
        """The same node: all channels have the same limits."""
        return node
