"""prelu and elu: activations with a slope per channel for negative numbers."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, along_channels, channel_axis, expect_shape


class _Slopes(Operator):
    """x where x > 0 or NaN, otherwise slope * f(x) for a non-decreasing f with f(0) = 0."""

    constants = {"slope": Constant("f32", per_channel=True)}
    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        expect_shape(node, "slope", (x.shape[channel_axis(layout)],))
        return x

    def is_monotone(self, node: Node) -> bool:
        """Where no slope is negative."""
        return bool(np.all(node.constants["slope"] >= 0))

    def is_non_decreasing(self, node: Node) -> bool:
        """Where no slope is negative."""
        return self.is_monotone(node)


class Prelu(_Slopes):
    """x where x > 0, otherwise x * slope of its channel."""

    name = "prelu"

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """One rounding in float32."""
        slope = along_channels(node.constants["slope"], x, layout)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.where(x <= 0, x * slope, x)


class Elu(_Slopes):
    """x where x > 0, otherwise (exp(x) - 1) * slope of its channel."""

    name = "elu"

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """exp(x) - 1 is computed in float64 and rounded once, the product once more."""
        slope = along_channels(node.constants["slope"], x, layout)
        with np.errstate(over="ignore", invalid="ignore"):
            below = np.expm1(np.minimum(x, 0).astype(np.float64)).astype(np.float32)
            return np.where(x <= 0, below * slope, x)
