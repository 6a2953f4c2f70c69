"""flatten: a sample's elements as one axis."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CODES, Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Flatten(Operator):
    """The elements in row-major order of the shape, which is another order in the other layout."""

    name = "flatten"
    reads = ("f32", "i32", "bits", *CODES)
    selects = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A vector."""
        return ValueType(x.dtype, (int(np.prod(x.shape)),))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Reshape."""
        return x.reshape(len(x), -1)
