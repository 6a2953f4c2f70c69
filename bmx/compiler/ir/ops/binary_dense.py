"""binary_dense: fully connected layer of +-1 values with +-1 weights."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator
from bmx.compiler.ir.ops.dense import dense_output
from bmx.compiler.ir.ops.windows import dot_terms


class BinaryDense(Operator):
    """Dot products of +-1 values."""

    name = "binary_dense"
    reads = ("bits",)
    constants = {"weight": Constant("bits")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A vector of integers with one element per row of the weight."""
        dot_terms(node)
        return dense_output(node, x, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Exact integers: float64 sums of fewer than 2^24 terms of magnitude 1."""
        return (x.astype(np.float64) @ node.constants["weight"].astype(np.float64).T).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The number of inputs."""
        return dot_terms(node)

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The node with the weight's columns reordered; the result is not permuted."""
        return node.with_constants(weight=node.constants["weight"][:, order])
