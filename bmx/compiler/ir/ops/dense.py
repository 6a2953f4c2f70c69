"""Fully connected layers whose sums are real numbers."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator, expect_rank, expect_shape


class FullyConnected(Operator):
    """What every fully connected layer is, real or integer: where its weight has the inputs."""

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The weight's columns reordered; the result is not permuted."""
        return node.with_constants(weight=node.constants["weight"][:, order])


class Dense(FullyConnected):
    """x . weight^T + bias."""

    name = "dense"
    constants = {"weight": Constant("f32", shape="O,I"), "bias": Constant("f32", optional=True, shape="O")}
    signature = "f32 [I] -> f32 [O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return dense_output(node, x, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once: the value that every order of float32 sums approximates."""
        return (multiply(node, x) + node.constants.get("bias", np.float32(0))).astype(np.float32)


class BinaryWeightDense(FullyConnected):
    """`dense` without bias whose weights are +-1, a bit each in the file."""

    name = "binary_weight_dense"
    constants = {"weight": Constant("bits", shape="O,I")}
    signature = "f32 [I] -> f32 [O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return dense_output(node, x, "f32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sums in float64, rounded once."""
        return multiply(node, x).astype(np.float32)


def dense_output(node: Node, x: ValueType, dtype: str) -> ValueType:
    """Type of a dense layer's result; checks the input against the weight."""
    expect_rank(node, x, 1)
    expect_shape(node, "weight", (None, x.shape[0]))
    outputs = node.constants["weight"].shape[0]
    expect_shape(node, "bias", (outputs,))
    return ValueType(dtype, (outputs,))


def multiply(node: Node, x: np.ndarray) -> np.ndarray:
    """The product x . weight^T in float64, in which sums of integers are exact."""
    product: np.ndarray = x.astype(np.float64) @ node.constants["weight"].astype(np.float64).T
    return product
