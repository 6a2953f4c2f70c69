"""Arithmetic: of two values, and of a value with numbers that are constants."""

from __future__ import annotations

from typing import ClassVar, Sequence

import numpy as np

from bmx.compiler.ir.graph import CODES, GraphError, Node, ValueType
from bmx.compiler.ir.numerics import fused_multiply_add
from bmx.compiler.ir.ops.base import Constant, Elementwise, Operator, along_channels, expect_per_channel

# Limits of a divisor's magnitude: float32 holds the reciprocals of numbers between them with all digits.
LEAST, MOST = 1e-37, 1e37


class _OfTwoValues(Operator):
    """Shapes have as many axes; an axis of one element is repeated along the other value's."""

    arity = 2
    signature = "two f32 of as many axes -> f32"
    by_position = True
    function: ClassVar[np.ufunc]

    def infer_all(self, node: Node, inputs: Sequence[ValueType], layout: str) -> ValueType:
        first, second = inputs
        pairs = list(zip(first.shape, second.shape))
        if len(first.shape) != len(second.shape) or any(a != b and 1 not in (a, b) for a, b in pairs):
            raise GraphError(
                f"node {node.name!r}: {node.op} expects shapes that are equal but for axes of 1, "
                f"found {first} and {second}."
            )
        return ValueType("f32", tuple(max(pair) for pair in pairs))

    def evaluate_all(self, node: Node, inputs: Sequence[np.ndarray], layout: str) -> np.ndarray:
        """One rounding in float32."""
        result: np.ndarray = self.function(inputs[0], inputs[1])
        return result


class Add(_OfTwoValues):
    """a + b; an axis of one element is repeated."""

    name = "add"
    function = np.add


class Sub(_OfTwoValues):
    """a - b; an axis of one element is repeated."""

    name = "sub"
    function = np.subtract


class Mul(_OfTwoValues):
    """a * b; an axis of one element is repeated."""

    name = "mul"
    function = np.multiply


class Div(_OfTwoValues):
    """a / b; an axis of one element is repeated."""

    name = "div"
    function = np.divide


class Affine(Elementwise):
    """Per channel x * scale + shift, rounded once."""

    name = "affine"
    signature = "f32 or i32 [..,C] -> f32"
    reads = ("f32", "i32")
    constants = {"scale": Constant("f32", per_channel=True), "shift": Constant("f32", per_channel=True)}
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_per_channel(node, x, layout)
        return ValueType("f32", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Fused multiply-add in float32; integers become float32 first."""
        scale = along_channels(node.constants["scale"], x, layout)
        shift = along_channels(node.constants["shift"], x, layout)
        return fused_multiply_add(x.astype(np.float32), scale, shift)


class Divide(Elementwise):
    """x / divisor of its channel, rounded once, so that a sign of it equals MXNet's."""

    name = "divide"
    constants = {"divisor": Constant("f32")}
    in_file = False
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_per_channel(node, x, layout)
        magnitude = np.abs(node.constants["divisor"])
        if not np.all((magnitude >= LEAST) & (magnitude <= MOST)):
            raise GraphError(
                f"node {node.name!r}: divisors should have magnitudes from {LEAST:g} to {MOST:g}."
            )
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        with np.errstate(over="ignore"):
            return x / along_channels(node.constants["divisor"], x, layout)


class Cast(Elementwise):
    """The same number as float32, rounded once where it is 2^24 or more; bits as -1 and +1."""

    name = "cast"
    signature = "i32, bits or u1 to u8 -> f32"
    reads = ("i32", "bits", *CODES)
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return ValueType("f32", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x.astype(np.float32)
