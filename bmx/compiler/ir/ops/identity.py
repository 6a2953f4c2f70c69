"""identity: what dropout is at inference, until a pass has removed it."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Identity(Operator):
    """The input as it is."""

    name = "identity"
    reads = ("f32", "i32", "bits")
    in_file = False
    elementwise = True
    selects = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """The input."""
        return x
