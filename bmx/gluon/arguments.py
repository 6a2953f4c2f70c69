"""Checks of arguments."""

from __future__ import annotations

from typing import Any


def require(owner: str, name: str, value: Any, fits: bool, expected: str) -> None:
    """Raise ValueError, with the place in ``bmx.gluon``, unless an argument fits."""
    if not fits:
        raise ValueError(f"bmx.gluon.{owner}: expected {name} {expected}, found {value!r}.")
