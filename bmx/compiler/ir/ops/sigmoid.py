"""sigmoid: logistic function."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Sigmoid(Operator):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Each of the three steps is rounded to float32, as in MXNet; the exponential comes from float64."""
        with np.errstate(over="ignore"):
            power = np.exp(-x.astype(np.float64)).astype(np.float32)
        return np.float32(1) / (np.float32(1) + power)
