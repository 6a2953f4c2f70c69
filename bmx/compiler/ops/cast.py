"""cast: integers to real values."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir import Node, ValueType
from bmx.compiler.ops.base import Operator


class Cast(Operator):
    """The same number as float32; dot products are below 2^24, so this is exact."""

    name = "cast"
    reads = ("i32",)
    elementwise = True
    monotone = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Real values of the input's shape."""
        return ValueType("f32", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Convert to float32."""
        return x.astype(np.float32)
