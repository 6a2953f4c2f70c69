"""The blocks of a net by their places, and blocks that become another class in place."""

from __future__ import annotations

from typing import Any, Iterable

from mxnet import gluon
from mxnet.gluon import Block, HybridBlock

from bmx.gluon.tensor import Tensor


def places(function: str, net: gluon.Block) -> dict[Any, str]:
    """Every block of the net once, with its first place; outer blocks come first.

    Raises:
        TypeError: if ``net`` is not a Block; the message names ``function``.
    """
    if not isinstance(net, Block):
        raise TypeError(f"bmx.gluon.{function}: expected a gluon Block, found {type(net).__name__}.")
    names = {net: "(net)"}

    def visit(block: gluon.Block, prefix: str) -> None:
        for key, child in block._children.items():
            if child not in names:
                names[child] = prefix + key
                visit(child, f"{prefix}{key}.")

    visit(net, "")
    return names


def clear_graphs(blocks: Iterable[Any]) -> None:
    """Forget the graphs that hybridized blocks keep."""
    for block in blocks:
        if isinstance(block, HybridBlock):
            block._clear_cached_op()


def describe(block: gluon.Block) -> str:
    """A block in one line."""
    text = repr(block)
    return type(block).__name__ if "\n" in text else text


def list_places(numbers: Iterable[int], blocks: list[Any], names: dict[Any, str]) -> str:
    """The places of the blocks with these numbers, for a sentence."""
    return ", ".join(names[blocks[i]] for i in sorted(numbers))


def replace_class(block: Any, cls: type) -> None:
    """Give a block another class; `restore_class` is the way back."""
    block._float_class = type(block)
    block.__class__ = cls


def restore_class(block: Any) -> None:
    """Give a block the class that it had before `replace_class`."""
    block.__class__ = block._float_class
    del block._float_class


class RemovedActivation(HybridBlock):
    """Identity in the place of a ReLU that would have made a sign after it constant.

    `binarize` turns an activation into this class, `export_float` turns it back; it is not constructed.

    Inputs:
        - **data**: any shape.

    Outputs:
        - **out**: the input.
    """

    _float_class: type[HybridBlock]

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        """The input."""
        return x

    def __repr__(self) -> str:
        """For example ``RemovedActivation(Activation)``."""
        return f"RemovedActivation({self._float_class.__name__})"
