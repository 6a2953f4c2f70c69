"""round: nearest integers, until a pass has made them codes."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops.base import Operator


class Round(Operator):
    """The nearest integer, still real; halves away from zero."""

    name = "round"
    in_file = False
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """As MXNet's round."""
        return round_half_away(x)
