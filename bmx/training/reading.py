"""Dataclasses from dicts as TOML files give them, with errors that say what and where."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Iterable, Mapping, get_type_hints


class ConfigError(ValueError):
    """A description has a name or a value that is not known; the message says which, and what there is."""


def read(cls: Any, table: Any, name: str, separator: str = ".") -> Any:
    """A dataclass from a dict, the dataclasses that are its fields likewise.

    Args:
        cls: the dataclass.
        table: values of its fields; those that are missing have their defaults.
        name: stands in front of error messages.
        separator: between it and a field's name.

    Raises:
        ConfigError: a field is not known, or a value is of another type.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{name}: expected a table, found {table!r}")
    types = get_type_hints(cls)
    require_known(name, table, types)
    values = {}
    for key, value in table.items():
        kind = types[key]
        where = f"{name}{separator}{key}"
        values[key] = (read if dataclasses.is_dataclass(kind) else _typed)(kind, value, where)
    return cls(**values)


def _typed(kind: Any, value: Any, where: str) -> Any:
    """The value, if it is of this type; an integer may stand for a float."""
    names = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
    names.update({list: "a list", dict: "a table"})
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not fits:
        raise ConfigError(f"{where}: expected {names[kind]}, found {value!r}")
    return value


def require_known(name: str, table: Iterable[str], known: Iterable[str]) -> None:
    """Raises ConfigError for the first name that is not known; says what may have been meant."""
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(str(key), list(known), n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ConfigError(f"{name}: {key!r} is not known{meant}; there are {', '.join(sorted(known))}")


def choice(where: str, value: Any, known: Iterable[Any]) -> None:
    """Raises ConfigError unless the value is one of those known."""
    if value not in known:
        raise ConfigError(f"{where}: expected one of {', '.join(map(repr, known))}, found {value!r}")


def merge(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``table`` with the values of ``changes``; dicts are merged, all else is replaced."""
    merged = dict(table)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return merged


def differences(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of the values in which two dicts differ."""
    found: list[str] = []
    for key in sorted({*one, *other}):
        a, b = one.get(key), other.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(prefix + key)
    return found
