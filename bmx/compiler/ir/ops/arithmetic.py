"""add, sub, mul, div: two values, element by element."""

from __future__ import annotations

from typing import ClassVar, Sequence

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class _Arithmetic(Operator):
    """Shapes have as many axes; an axis of one element is repeated along the other value's."""

    arity = 2
    by_position = True
    function: ClassVar[np.ufunc]

    def infer_all(self, node: Node, inputs: Sequence[ValueType], layout: str) -> ValueType:
        """The larger of the two sizes of each axis."""
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


class Add(_Arithmetic):
    """a + b; an axis of one element is repeated."""

    name = "add"
    function = np.add


class Sub(_Arithmetic):
    """a - b; an axis of one element is repeated."""

    name = "sub"
    function = np.subtract


class Mul(_Arithmetic):
    """a * b; an axis of one element is repeated."""

    name = "mul"
    function = np.multiply


class Div(_Arithmetic):
    """a / b; an axis of one element is repeated."""

    name = "div"
    function = np.divide
