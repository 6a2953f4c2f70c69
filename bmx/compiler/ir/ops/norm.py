"""Normalizations: by statistics of training, across neighboring channels, to a sum of 1."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import (
    Attribute,
    Constant,
    Elementwise,
    Operator,
    along_channels,
    channel_axis,
    expect_per_channel,
    expect_shape,
)

_ROLES = ("gamma", "beta", "mean", "variance")
_BETAS = (0.5, 0.75, 1.0)


class BatchNorm(Elementwise):
    """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta, in MXNet's own order of roundings.

    Each operation rounds to float32. The result has the bits of MXNet's inference, and so has a sign of it.
    """

    name = "batch_norm"
    attributes = {"epsilon": Attribute("a number of at least 0", lambda v: isinstance(v, float) and v >= 0)}
    constants = {role: Constant("f32") for role in _ROLES}
    in_file = False
    monotone = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_per_channel(node, x, layout)
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        gamma, beta, mean, variance = (along_channels(node.constants[role], x, layout) for role in _ROLES)
        with np.errstate(over="ignore", invalid="ignore"):
            scale = gamma / np.sqrt(variance + np.float32(node.attrs["epsilon"]))
            return (x - mean) * scale + beta


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
    constants = {role: Constant("f32", shape="1") for role in ("alpha", "beta", "knorm")}
    signature = "f32 [..,C] -> f32 [..,C]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        for role in self.constants:
            expect_shape(node, role, (1,))
        beta = node.constants["beta"][0]
        if beta not in _BETAS:
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


class Softmax(Operator):
    """exp(x) / sum(exp(x)) over the channels."""

    name = "softmax"
    signature = "f32 [..,C] -> f32 [..,C]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """In float64, with the largest element subtracted first."""
        axis = 1 if layout == CHANNELS_FIRST else -1
        exponent = x.astype(np.float64)
        powers = np.exp(exponent - exponent.max(axis=axis, keepdims=True))
        return (powers / powers.sum(axis=axis, keepdims=True)).astype(np.float32)
