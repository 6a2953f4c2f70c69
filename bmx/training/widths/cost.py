"""The cost of an image: multiplications of a net, counted where its layers run."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Sequence

import mxnet as mx
from mxnet import gluon
from mxnet.gluon import nn

from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.nn.quantizers import Quantizer

_COUNTED = (nn.Conv1D, nn.Conv2D, nn.Conv3D, nn.Dense)
_NOT_COUNTED = (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)


class Cost(NamedTuple):
    """Multiply-accumulates of one image.

    Attributes:
        binary_macs: products of two bits.
        float_macs: products of real numbers.
    """

    binary_macs: int
    float_macs: int

    @property
    def total(self) -> float:
        """In float MACs; 64 binary ones count as one, as in arXiv:1603.05279 and most papers since."""
        return self.binary_macs / 64 + self.float_macs


def count_cost(net: gluon.HybridBlock, input_shape: Sequence[int]) -> Cost:
    """Runs a net on one image of zeros and counts the products of its layers.

    A product of a k-bit weight and an m-bit input is k * m products of bits, and as many for each pair of a
    term of the weight and a term of the input, if a quantizer makes several. Where only one side is
    quantized, the products are float ones. Convolutions and dense layers count, each time that a block calls
    them; batch norm, pooling and activations do not.

    Args:
        net: initialized net. It is not hybridized afterwards: hooks only run in blocks that are not.
        input_shape: shape of one image, without the batch axis.

    Raises:
        ValueError: the net has a layer whose cost is not counted.
    """
    counts = [0, 0]  # float, binary

    def count(layer: Any, _: Any, output: Any) -> None:
        planes = _planes(layer)
        macs = output.size * math.prod(layer.weight.shape[1:])
        counts[planes > 0] += macs * (planes or 1)

    handles = []
    net.hybridize(False)
    try:
        for block in _blocks(net):
            if isinstance(block, _NOT_COUNTED):
                raise ValueError(
                    f"count_cost: {block.name} is a {type(block).__name__}, whose cost is not counted; "
                    "the net may have Conv1D, Conv2D, Conv3D, Dense and their binary layers"
                )
            if isinstance(block, _COUNTED):
                handles.append(block.register_forward_hook(count))
        net(mx.nd.zeros((1, *input_shape)))
    finally:
        for handle in handles:
            handle.detach()
    return Cost(binary_macs=counts[1], float_macs=counts[0])


def _blocks(net: gluon.Block) -> list[gluon.Block]:
    """The net and all blocks in it, each once."""
    found: dict[int, gluon.Block] = {}

    def visit(block: gluon.Block) -> None:
        if id(block) not in found:
            found[id(block)] = block
            for child in block._children.values():
                visit(child)

    visit(net)
    return list(found.values())


def _planes(layer: gluon.Block) -> int:
    """Products of bits in a product of an input and a weight; 0 if that is a product of real numbers."""
    if not isinstance(layer, (QConv2D, QDense)):
        return 0
    if any(quantizer.kind == "real" for quantizer in layer.quantizers):
        return 0
    return math.prod(quantizer.bits * _terms(quantizer) for quantizer in layer.quantizers)


def _terms(quantizer: Quantizer) -> int:
    one = mx.nd.ones((1, 1, 1, 1))
    return len(quantizer.terms(mx.nd, one, **{learned.name: one for learned in quantizer.learned}))
