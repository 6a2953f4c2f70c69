"""to_planes: bytes to codes of 8 bits."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class ToPlanes(Operator):
    """The same numbers, as the codes that integer layers read."""

    name = "to_planes"
    reads = ("bytes",)
    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Codes of 8 bits."""
        return ValueType("u8", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Nothing to do."""
        return x
