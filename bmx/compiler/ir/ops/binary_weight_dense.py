"""binary_weight_dense: fully connected layer of real values with +-1 weights."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator
from bmx.compiler.ir.ops.dense import dense_output


class BinaryWeightDense(Operator):
    """`dense` without bias whose weights are +-1, a bit each in the file."""

    name = "binary_weight_dense"
    constants = {"weight": Constant("bits")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A vector with one element per row of the weight."""
        return dense_output(node, x, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once."""
        return (x.astype(np.float64) @ node.constants["weight"].astype(np.float64).T).astype(np.float32)

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The node with the weight's columns reordered; the result is not permuted."""
        return node.with_constants(weight=node.constants["weight"][:, order])
