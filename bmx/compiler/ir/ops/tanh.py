"""tanh: hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Tanh(Operator):
    """The hyperbolic tangent of each element."""

    name = "tanh"
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Computed in float64 and rounded once, so that it is non-decreasing in float32."""
        return np.tanh(x.astype(np.float64)).astype(np.float32)
