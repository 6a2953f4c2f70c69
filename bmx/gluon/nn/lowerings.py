"""The operators of which a binary layer is made.

Every layer has lowerings with equal results. ``native`` composes MXNet's own operators and runs on any
device. ``mixed`` takes signs by bmx's C++ operator, in one pass over the values instead of ten, and leaves
products to MXNet: the fastest to train with on a CPU. ``operator`` uses the C++ operators of bmx wherever it
can, on CPUs only. ``inference`` is ``operator`` without gradients and noise, which only training needs; the
compiler reads it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Iterator

from bmx.gluon import library

LOWERINGS = ("native", "mixed", "operator", "inference")


class _State(threading.local):
    def __init__(self) -> None:
        self.lowering = "native"


_state = _State()


def current_lowering() -> str:
    """The lowering of this thread: 'native', 'mixed', 'operator' or 'inference'."""
    return _state.lowering


def multiplies_in_cxx() -> bool:
    """Whether the current lowering multiplies signs with the C++ operators."""
    return _state.lowering in ("operator", "inference")


def fastest_lowering() -> str:
    """The lowering to train with: 'mixed' on CPUs if this install has the C++ operators, else 'native'."""
    import mxnet as mx

    return "mixed" if library.is_loaded() and mx.context.num_gpus() == 0 else "native"


@contextmanager
def lowering(name: str) -> Iterator[None]:
    """Choose the lowering of this thread inside a ``with`` block; an exception restores it too.

    A layer asks when its graph is built: at each call while it is imperative, at the first call after
    ``hybridize()`` otherwise. A hybridized net keeps the lowering that it was first called with.

    Args:
        name: 'native', 'mixed', 'operator' or 'inference'.

    Raises:
        ValueError: if there is no such lowering.
        RuntimeError: if this install has no C++ operators.
    """
    if name not in LOWERINGS:
        raise ValueError(
            f"bmx.gluon.nn.lowering: expected one of {', '.join(map(repr, LOWERINGS))}, found {name!r}."
        )
    if name != "native":
        library.require()
    before = _state.lowering
    _state.lowering = name
    try:
        yield
    finally:
        _state.lowering = before
