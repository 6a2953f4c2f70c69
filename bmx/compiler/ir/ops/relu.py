"""relu: rectified linear unit."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Relu(Operator):
    """max(x, 0)."""

    name = "relu"
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """The larger of x and 0; NaN stays NaN."""
        return np.maximum(x, np.float32(0))
