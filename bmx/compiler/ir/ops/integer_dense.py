"""integer_dense: fully connected layer of signs or codes with integer weights of a few bits."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CODES, Node, ValueType
from bmx.compiler.ir.ops.base import Constant, Operator
from bmx.compiler.ir.ops.dense import dense_output
from bmx.compiler.ir.ops.windows import integer_bound


class IntegerDense(Operator):
    """Exact sums of products of +-1 or codes with integers."""

    name = "integer_dense"
    reads = ("bits", *CODES)
    constants = {"weight": Constant("i16")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A vector of integers with one element per row of the weight."""
        integer_bound(node, x)
        return dense_output(node, x, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Exact integers: float64 holds sums below 2^31."""
        return (x.astype(np.float64) @ node.constants["weight"].astype(np.float64).T).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The largest input times the largest sum of a row's magnitudes."""
        return integer_bound(node, x)

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The node with the weight's columns reordered; the result is not permuted."""
        return node.with_constants(weight=node.constants["weight"][:, order])
