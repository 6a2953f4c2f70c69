"""cast: integers, bits and codes to real values."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CODES, Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Cast(Operator):
    """The same number as float32, rounded once where it is 2^24 or more; bits as -1 and +1."""

    name = "cast"
    reads = ("i32", "bits", *CODES)
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Real values of the input's shape."""
        return ValueType("f32", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Convert to float32."""
        return x.astype(np.float32)
