"""Attributes of an MXNet operator, which a symbol holds as strings."""

from __future__ import annotations

import ast
from typing import Mapping, Sequence


class NotSupportedError(Exception):
    """Why one operator of a net cannot be compiled; collected into a `bmx.compiler.UnsupportedError`."""


class Attributes:
    """The attributes of one operator. It remembers which have been read, so that none is overlooked.

    All readers raise `NotSupportedError` if the value is not of the kind asked for.
    """

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = {key: value for key, value in raw.items() if not key.startswith("__")}
        self._unread = set(self._raw)

    def __str__(self) -> str:
        """For example ``kernel=(3, 3), pad=(1, 1)``."""
        return ", ".join(f"{key}={value}" for key, value in sorted(self._raw.items()))

    def ignore(self, *keys: str) -> None:
        """Mark attributes as read that do not change what the operator computes at inference."""
        self._unread.difference_update(keys)

    def expect_all_read(self) -> None:
        """Raise if the operator has an attribute that has not been read."""
        if self._unread:
            raise NotSupportedError(f"its attribute {min(self._unread)!r} is not known to bmx")

    def text(self, key: str, default: str) -> str:
        """The attribute as it is written."""
        self._unread.discard(key)
        return self._raw.get(key, default)

    def choice(self, key: str, default: str, supported: Sequence[str]) -> str:
        """The attribute, one of a few strings."""
        value = self.text(key, default)
        if value not in supported:
            raise NotSupportedError(f"{key} is {value!r}; supported: {', '.join(supported)}")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """The attribute as true or false, which MXNet also spells 1 and 0."""
        return self.choice(key, str(default), ("True", "False", "1", "0")) in ("True", "1")

    def integer(self, key: str, default: int) -> int:
        """The attribute as an integer."""
        value = self._literal(key, default)
        if not isinstance(value, int):
            raise NotSupportedError(f"{key} is {value!r}; supported: an integer")
        return value

    def number(self, key: str, default: float) -> float:
        """The attribute as a float."""
        value = self._literal(key, default)
        if not isinstance(value, (int, float)):
            raise NotSupportedError(f"{key} is {value!r}; supported: a number")
        return float(value)

    def pair(self, key: str, default: Sequence[int]) -> list[int]:
        """The attribute as [height, width]."""
        value = self._literal(key, ())
        if value == ():
            return list(default)
        if (
            not isinstance(value, tuple)
            or len(value) != 2
            or not all(isinstance(size, int) for size in value)
        ):
            raise NotSupportedError(f"{key} is {value!r}; supported: two integers (2-D)")
        return list(value)

    def integers(self, key: str, default: str) -> list[int | None]:
        """The attribute as a list of integers, None among them; a single one counts as a list of one."""
        value = self._literal(key, default)
        entries = value if isinstance(value, (tuple, list)) else (value,)
        integers = [entry for entry in entries if entry is None or type(entry) is int]
        if len(integers) < len(entries):
            raise NotSupportedError(f"{key} is {value!r}; supported: a list of integers")
        return integers

    def _literal(self, key: str, default: object) -> object:
        value = self.text(key, str(default))
        try:
            return ast.literal_eval(value)
        except (SyntaxError, ValueError):
            raise NotSupportedError(f"{key} is {value!r}, which cannot be read") from None
