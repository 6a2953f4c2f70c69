"""softmax: exponentials over the channels that sum to 1."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, Node, ValueType
from bmx.compiler.ir.ops.base import Operator


class Softmax(Operator):
    """exp(x) / sum(exp(x)) over the channels."""

    name = "softmax"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """In float64, with the largest element subtracted first."""
        axis = 1 if layout == CHANNELS_FIRST else -1
        exponent = x.astype(np.float64)
        powers = np.exp(exponent - exponent.max(axis=axis, keepdims=True))
        return (powers / powers.sum(axis=axis, keepdims=True)).astype(np.float32)
