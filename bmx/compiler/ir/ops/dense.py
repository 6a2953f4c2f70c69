"""dense: fully connected layer of real values."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, expect_rank, expect_shape


def dense_output(node: Node, x: ValueType, dtype: str) -> ValueType:
    """Type of a dense layer's result; checks the input against the weight."""
    expect_rank(node, x, 1)
    expect_shape(node, "weight", (None, x.shape[0]))
    outputs = node.constants["weight"].shape[0]
    expect_shape(node, "bias", (outputs,))
    return ValueType(dtype, (outputs,))


class Dense(Operator):
    """x . weight^T + bias."""

    name = "dense"
    constants = {"weight": Constant("f32"), "bias": Constant("f32", optional=True)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A vector with one element per row of the weight."""
        return dense_output(node, x, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once: the value that every order of float32 sums approximates."""
        sums = x.astype(np.float64) @ node.constants["weight"].astype(np.float64).T
        return (sums + node.constants.get("bias", np.float32(0))).astype(np.float32)

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The node with the weight's columns reordered; the result is not permuted."""
        return node.with_constants(weight=node.constants["weight"][:, order])
