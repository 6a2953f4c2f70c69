"""A loss that is not finite: its origin, and what may help."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or NaN, so further steps would only spread it."""


def diagnose(net: gluon.Block, images: mx.nd.NDArray) -> str:
    """Says where the first value that is not finite comes from, by one more pass with hooks in all blocks.

    Args:
        net: net with the parameters that gave the loss. It is not hybridized afterwards.
        images: batch of images that gave the loss.
    """
    if not _finite(images):
        return "the images of this batch are not finite; look for bad values in the data"
    for name, parameter in net._collect_params_with_prefix().items():
        if not _finite(parameter.data()):
            return (
                f"parameter {name!r} is not finite since an earlier update; lower the learning rate or give "
                "training.clip_norm"
            )
    block = _first_block(net, images)
    if block is None:
        return "all values of the net are finite, the loss itself is not; look at the labels and the loss"
    return (
        f"the first values that are not finite come from {block}; lower the learning rate, give "
        "training.clip_norm, or look at this layer's initial values"
    )


def _first_block(net: gluon.Block, images: mx.nd.NDArray) -> str | None:
    """Name and class of the innermost block whose output is the first that is not finite."""
    found: list[str] = []

    def look(name: str, block: gluon.Block, outputs: Any) -> None:
        if not found and not all(map(_finite, _arrays(outputs))):
            found.append(f"{name or 'the net itself'} ({type(block).__name__})")

    net.hybridize(False)
    with contextlib.ExitStack() as stack:
        for name, block in _named(net, ""):
            handle = block.register_forward_hook(
                lambda block, _, outputs, name=name: look(name, block, outputs)
            )
            stack.callback(handle.detach)
        with autograd.record():
            net(images)
    return found[0] if found else None


def _named(block: gluon.Block, name: str) -> Iterator[tuple[str, gluon.Block]]:
    yield name, block
    for key, child in block._children.items():
        yield from _named(child, f"{name}.{key}" if name else key)


def _arrays(outputs: Any) -> list[Any]:
    if isinstance(outputs, (list, tuple)):
        return [array for item in outputs for array in _arrays(item)]
    return [outputs]


def _finite(array: Any) -> bool:
    return bool(np.isfinite(array.asnumpy()).all())
