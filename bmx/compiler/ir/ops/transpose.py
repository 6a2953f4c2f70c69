"""transpose: reorder the axes of a sample."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Attribute, Operator, expect_rank


class Transpose(Operator):
    """out.shape[i] = in.shape[perm[i]]; the batch axis stays in front."""

    name = "transpose"
    reads = ("f32", "bytes")
    attributes = {
        "perm": Attribute(
            "a permutation of the sample's axes",
            lambda v: isinstance(v, list) and bool(v) and sorted(v) == list(range(len(v))),
        )
    }

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type with its axes reordered."""
        expect_rank(node, x, len(node.attrs["perm"]))
        return ValueType(x.dtype, tuple(x.shape[axis] for axis in node.attrs["perm"]))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Reorder the axes behind the batch axis."""
        return x.transpose(0, *(axis + 1 for axis in node.attrs["perm"]))
