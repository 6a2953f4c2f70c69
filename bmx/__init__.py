"""bmx: binary neural networks for MXNet Gluon, from training to the device.

``import bmx`` is light: MXNet is imported only by `bmx.gluon` and by the functions that need a trained net.

    bmx.gluon      layers, data and models that train (needs the extra ``bmx-gluon[gluon]``)
    bmx.export     trained net -> packed .bmx file, verified
    bmx.summary    weights, sizes and multiply-accumulates of a net
    bmx.verify     compares a packed file with its net
    bmx.runtime    runs packed files; needs NumPy only
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bmx._version import __version__

if TYPE_CHECKING:
    from bmx import runtime
    from bmx.exporter import export
    from bmx.summarize import summary
    from bmx.verification import verify

__all__ = ["__version__", "export", "runtime", "summary", "verify"]

_LAZY = {
    "export": ("bmx.exporter", "export"),
    "summary": ("bmx.summarize", "summary"),
    "verify": ("bmx.verification", "verify"),
}
_SUBMODULES = ("compiler", "gluon", "runtime")


def __getattr__(name: str) -> Any:
    """Imports what is asked for, when it is asked for."""
    if name in _LAZY:
        module, attribute = _LAZY[name]
        return getattr(importlib.import_module(module), attribute)
    if name in _SUBMODULES:
        return importlib.import_module(f"bmx.{name}")
    raise AttributeError(f"module 'bmx' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names, including those that are imported on demand."""
    return sorted([*__all__, *_SUBMODULES])
