"""sign: real values to bits, until a pass has made it a threshold."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.numerics import sign
from bmx.compiler.ir.ops.base import Operator


class Sign(Operator):
    """-1 where x < 0, otherwise +1; so 0, -0.0 and NaN give +1."""

    name = "sign"
    in_file = False
    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Bits, as many as input elements. Their rows are channels, which other shapes do not have."""
        if len(x.shape) not in (1, 3):
            raise GraphError(f"node {node.name!r}: sign expects a vector or an image, found {x}.")
        return ValueType("bits", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """+-1."""
        return sign(x)
