"""lrn: local response normalisation across channels."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Attribute, Constant, Operator, channel_axis, expect_shape

BETAS = (0.5, 0.75, 1.0)


class LRN(Operator):
    """x / (knorm + alpha / size * s)^beta, s being the sum of squares of the `size` channels around x's own.

    Krizhevsky et al., ImageNet classification with deep convolutional neural networks (2012), section 3.3.
    Channels that do not exist count as 0. The power is made of square roots, which every machine rounds
    alike, so `beta` is one of 0.5, 0.75 and 1.
    """

    name = "lrn"
    attributes = {
        "size": Attribute(
            "an odd integer of at least 1",
            lambda v: isinstance(v, int) and not isinstance(v, bool) and 1 <= v < 2**31 and v % 2 == 1,
        )
    }
    constants = {"alpha": Constant("f32"), "beta": Constant("f32"), "knorm": Constant("f32")}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        for role in self.constants:
            expect_shape(node, role, (1,))
        beta = node.constants["beta"][0]
        if beta not in BETAS:
            raise GraphError(f"node {node.name!r}: beta is {beta:g}; supported: 0.5, 0.75 and 1.")
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """In float64, rounded once."""
        alpha, beta, knorm = (float(node.constants[role][0]) for role in ("alpha", "beta", "knorm"))
        size, axis = node.attrs["size"], channel_axis(layout) % (x.ndim - 1) + 1
        last = np.moveaxis(x.astype(np.float64), axis, -1)
        squares = np.pad(last**2, [(0, 0)] * (x.ndim - 1) + [(size // 2, size // 2)])
        sums = np.lib.stride_tricks.sliding_window_view(squares, size, axis=-1).sum(axis=-1)
        result = last / (knorm + alpha / size * sums) ** beta
        return np.moveaxis(result, -1, axis).astype(np.float32)
