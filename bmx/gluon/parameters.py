"""The parameters of a net: how many there are of each kind, and first values for those without."""

from __future__ import annotations

from typing import Iterator, NamedTuple

import mxnet as mx
from mxnet import gluon

from bmx.gluon.nn.layer import QuantizedLayer


class Counts(NamedTuple):
    """How many parameters a net has of each kind, without running statistics.

    Attributes:
        real: parameters stored as floats: weights of real layers, biases, scales, gamma and beta of batch
            norms.
        latent: latent weights of quantized layers; a device keeps a few bits of each.
        batch_norm_channels: channels of all batch norms; each has a gamma, a beta, a mean and a variance.
        batch_norm_fixed: gammas and betas that are constants (``scale=False``, ``center=False``).
    """

    real: int
    latent: int
    batch_norm_channels: int
    batch_norm_fixed: int = 0


def count_parameters(net: gluon.Block) -> Counts:
    """Count a net's parameters; shared ones once.

    A batch norm counts two per channel even if its gamma is fixed, as the tables of the literature do. A
    saved net does not say which parameters are latent or fixed: all of them count as real and trained.
    """
    if isinstance(net, gluon.SymbolBlock):
        return _count_saved(net)
    seen: set[int] = set()
    real = latent = channels = fixed = 0
    for block in _blocks(net):
        for name, parameter in block._reg_params.items():
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            size = _size(parameter)
            if isinstance(block, gluon.nn.BatchNorm):
                real += size if name in ("gamma", "beta") else 0
                channels += size if name == "gamma" else 0
                fixed += size if name in ("gamma", "beta") and not parameter._differentiable else 0
            elif _is_latent(block, name):
                latent += size
            elif parameter.grad_req != "null":
                real += size
    return Counts(real, latent, channels, fixed)


def ensure_initialized(net: gluon.Block, input_shape: tuple[int, ...]) -> None:
    """Give random values to the parameters that have none; one pass over zeros gives shapes to all."""
    missing = [p for p in net.collect_params().values() if p._data is None and not p._deferred_init]
    for parameter in missing:
        parameter.initialize(default_init=mx.init.Xavier())
    net(mx.nd.zeros(input_shape))


def _count_saved(net: gluon.SymbolBlock) -> Counts:
    params = net._reg_params.values()
    trained, statistics = (
        sum(p.data().size for p in params if (p.grad_req == "null") == is_statistic)
        for is_statistic in (False, True)
    )
    return Counts(
        real=trained, latent=0, batch_norm_channels=statistics // 2
    )  # each has a mean and a variance


def _is_latent(block: gluon.Block, name: str) -> bool:
    return isinstance(block, QuantizedLayer) and name == "weight" and block.weight_quantizer.bits < 32


def _size(parameter: gluon.Parameter) -> int:
    size = 1
    for length in parameter.shape:
        size *= length
    return size


def _blocks(block: gluon.Block) -> Iterator[gluon.Block]:
    yield block
    for child in block._children.values():
        yield from _blocks(child)
