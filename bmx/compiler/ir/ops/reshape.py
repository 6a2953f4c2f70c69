"""reshape: the same elements under another shape."""

from __future__ import annotations

import math

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, integers


class Reshape(Operator):
    """The elements in row-major order, under the sample shape `shape`; the batch axis stays in front.

    Row-major order is another one in the other layout: `bmx.compiler.passes.to_channels_last` sees to it.
    """

    name = "reshape"
    attributes = {"shape": integers(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The new shape."""
        shape = node.attrs["shape"]
        if math.prod(shape) != math.prod(x.shape):
            raise GraphError(f"node {node.name!r}: {x} cannot be reshaped to {shape}.")
        return ValueType(x.dtype, tuple(shape))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Reshape."""
        return x.reshape(len(x), *node.attrs["shape"])
