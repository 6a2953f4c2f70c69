"""Layers whose sums are exact integers: of bits or codes with bits or integers of a few bits."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CODES, GraphError, Node, ValueType, largest
from bmx.compiler.ir.ops.base import Constant, choice
from bmx.compiler.ir.ops.conv import Convolution, conv_output, convolve
from bmx.compiler.ir.ops.dense import FullyConnected, dense_output, multiply
from bmx.compiler.ir.planes import planes_of

# Integers below this are exact in the float32 that training computes with.
EXACT_IN_FLOAT32 = 2**24
_INT32 = 2**31


class BinaryConv2D(Convolution):
    """Dot products of +-1 values; out-of-image taps count as `pad_value`."""

    name = "binary_conv2d"
    reads = ("bits",)
    attributes = {**Convolution.attributes, "pad_value": choice(0, 1, -1)}
    constants = {"weight": Constant("bits", shape="O,KH,KW,I/groups")}
    signature = "bits [H,W,I] -> i32 [H',W',O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        _dot_terms(node)
        return conv_output(node, x, layout, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return convolve(node, x, layout, node.attrs["pad_value"]).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The number of taps times the channels of a group."""
        return _dot_terms(node)


class BinaryDense(FullyConnected):
    """Dot products of +-1 values."""

    name = "binary_dense"
    reads = ("bits",)
    constants = {"weight": Constant("bits", shape="O,I")}
    signature = "bits [I] -> i32 [O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        _dot_terms(node)
        return dense_output(node, x, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return multiply(node, x).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The number of inputs."""
        return _dot_terms(node)


class IntegerConv2D(Convolution):
    """Exact sums of products of +-1 or codes with integers; out-of-image taps contribute nothing."""

    name = "integer_conv2d"
    reads = ("bits", *CODES)
    constants = {"weight": Constant("i16", shape="O,KH,KW,I/groups")}
    signature = "bits or u1 to u8 [H,W,I] -> i32 [H',W',O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        _integer_bound(node, x)
        return conv_output(node, x, layout, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return convolve(node, x, layout, 0.0).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The largest input times the largest sum of a filter's magnitudes."""
        return _integer_bound(node, x)


class IntegerDense(FullyConnected):
    """Exact sums of products of +-1 or codes with integers."""

    name = "integer_dense"
    reads = ("bits", *CODES)
    constants = {"weight": Constant("i16", shape="O,I")}
    signature = "bits or u1 to u8 [I] -> i32 [O]"

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        _integer_bound(node, x)
        return dense_output(node, x, "i32")

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return multiply(node, x).astype(np.int32)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """The largest input times the largest sum of a row's magnitudes."""
        return _integer_bound(node, x)


def _dot_terms(node: Node) -> int:
    """Number of terms in each dot product of a binary operator."""
    weight = node.constants["weight"]
    terms = weight.size // weight.shape[0]
    if terms >= EXACT_IN_FLOAT32:
        raise GraphError(f"node {node.name!r}: {terms} terms in a dot product; at most 2^24 - 1 are exact.")
    return terms


def _integer_bound(node: Node, x: ValueType) -> int:
    """Largest magnitude of the sums of an integer layer; raises `GraphError` if they might leave int32.

    A reader of the file knows the weights' bits only, and refuses what might leave int32 by these.
    """
    weight = node.constants["weight"]
    planes = planes_of(weight)
    if planes is None:
        raise GraphError(
            f"node {node.name!r}: weights should be integers of at most 8 bits, or odd ones from -255 to "
            f"255, found {weight.min()} to {weight.max()}."
        )
    terms = weight.size // weight.shape[0]
    if largest(x.dtype) * planes.largest * terms >= _INT32:
        raise GraphError(
            f"node {node.name!r}: sums of {terms} products of inputs up to {largest(x.dtype)} and weights "
            f"up to {planes.largest} can leave 32 bits; use fewer bits."
        )
    magnitudes = np.abs(weight).reshape(len(weight), -1).sum(axis=1, dtype=np.int64)
    return largest(x.dtype) * int(magnitudes.max())
