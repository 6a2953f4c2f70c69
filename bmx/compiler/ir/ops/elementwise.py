"""Functions of one number, element by element.

An activation without attributes and constants is one class here, derived from `Activation`: the frontend
converts MXNet's operator of the same name and ``Activation(act_type=name)`` to it without being told.
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops.base import (
    Constant,
    Elementwise,
    along_channels,
    expect_per_channel,
    expect_shape,
)


class Activation(Elementwise):
    """A function that is the same for all elements; subclasses define `evaluate`."""


class Relu(Activation):
    """max(x, 0)."""

    name = "relu"
    monotone = True
    non_decreasing = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """The larger of x and 0; NaN stays NaN."""
        return np.maximum(x, np.float32(0))


class Tanh(Activation):
    """The hyperbolic tangent of each element."""

    name = "tanh"
    monotone = True
    non_decreasing = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Computed in float64 and rounded once, so that it is non-decreasing in float32."""
        return np.tanh(x.astype(np.float64)).astype(np.float32)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    monotone = True
    non_decreasing = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Each of the three steps is rounded to float32, as in MXNet; the exponential comes from float64."""
        with np.errstate(over="ignore"):
            power = np.exp(-x.astype(np.float64)).astype(np.float32)
        return np.float32(1) / (np.float32(1) + power)


class Round(Elementwise):
    """The nearest integer, still real; halves away from zero."""

    name = "round"
    in_file = False
    monotone = True
    non_decreasing = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """As MXNet's round."""
        return round_half_away(x)


class Clip(Elementwise):
    """max(low, min(high, x)); NaN stays NaN.

    Low is not above high, and either may be infinite.
    """

    name = "clip"
    constants = {"low": Constant("f32", shape="1"), "high": Constant("f32", shape="1")}
    monotone = True
    non_decreasing = True
    by_position = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
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


class _Slopes(Elementwise):
    """x where x > 0 or NaN, otherwise slope * f(x) for a non-decreasing f with f(0) = 0."""

    constants = {"slope": Constant("f32", per_channel=True)}
    signature = "f32 [..,C] -> f32"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_per_channel(node, x, layout)
        return x

    def is_monotone(self, node: Node) -> bool:
        """Whether no slope is negative."""
        return bool(np.all(node.constants["slope"] >= 0))

    def is_non_decreasing(self, node: Node) -> bool:
        """Whether no slope is negative."""
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
