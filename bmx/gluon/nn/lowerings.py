"""Which operators a binary layer is made of.

Every layer has two lowerings with equal results. ``native`` composes MXNet's own operators and runs on any
device. ``operator`` is one C++ operator of bmx with its attributes: CPU only, and what the compiler matches.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Iterator

from bmx.gluon import library

LOWERINGS = ("native", "operator")


class _State(threading.local):
    def __init__(self) -> None:
        self.lowering = "native"


_state = _State()


def current_lowering() -> str:
    """The lowering of this thread: 'native' or 'operator'."""
    return _state.lowering


@contextmanager
def lowering(name: str) -> Iterator[None]:
    """Choose the lowering of this thread inside a ``with`` block; it is restored also after an exception.

    A layer asks when its graph is built: at each call while it is imperative, at the first call after
    ``hybridize()`` otherwise. A hybridized net keeps the lowering that it was first called with.

    Args:
        name: 'native' or 'operator'.

    Raises:
        ValueError: if there is no such lowering.
        RuntimeError: if this install has no C++ operators.
    """
    if name not in LOWERINGS:
        raise ValueError(
            f"bmx.gluon.nn.lowering: expected {' or '.join(map(repr, LOWERINGS))}, found {name!r}."
        )
    if name == "operator":
        library.require()
    before = _state.lowering
    _state.lowering = name
    try:
        yield
    finally:
        _state.lowering = before
