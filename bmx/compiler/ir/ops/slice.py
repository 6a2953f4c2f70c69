"""slice: a range of each axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, expect_rank, integers


class Slice(Operator):
    """The elements from begin to before end along each axis of the sample."""

    name = "slice"
    attributes = {"begin": integers(0), "end": integers(1)}
    by_position = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The lengths of the ranges."""
        begin, end = node.attrs["begin"], node.attrs["end"]
        expect_rank(node, x, len(begin))
        expect_rank(node, x, len(end))
        if not all(0 <= first < last <= size for first, last, size in zip(begin, end, x.shape)):
            raise GraphError(
                f"node {node.name!r}: slice from {begin} to {end} should be ranges inside its input {x}, "
                "none of them empty."
            )
        return ValueType(x.dtype, tuple(last - first for first, last in zip(begin, end)))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Copy."""
        ranges = [slice(first, last) for first, last in zip(node.attrs["begin"], node.attrs["end"])]
        return x[(slice(None), *ranges)]

    def channels_last(self, node: Node) -> Node:
        """The same ranges of the reordered axes of an image."""
        moved = {key: [*v[1:], v[0]] if len(v) == 3 else v for key, v in node.attrs.items()}
        return replace(node, attrs=moved)
