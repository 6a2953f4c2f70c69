"""Dataclasses from dicts as TOML files give them, with errors that say what and where."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Iterable, Mapping, get_type_hints

from bmx.training.limits import ConfigError, check_limit

__all__ = ["ConfigError", "differences", "merge", "read", "require_known"]


def read(cls: Any, table: Any, name: str, separator: str = ".") -> Any:
    """A dataclass from a dict, and the dataclasses that are its fields likewise.

    A class with relations between its fields has a method ``check(where)``, which raises ConfigError.

    Args:
        cls: the dataclass.
        table: values of its fields; missing ones keep their defaults.
        name: place of the table, which begins error messages.
        separator: text between the place and a field's name.

    Raises:
        ConfigError: a field is not known, or a value is of another type or outside its limits.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{name}: expected a table, found {table!r}")
    types, fields = get_type_hints(cls), {field.name: field for field in dataclasses.fields(cls)}
    require_known(name, table, types)
    values = {}
    for key, value in table.items():
        kind = types[key]
        where = f"{name}{separator}{key}"
        values[key] = (read if dataclasses.is_dataclass(kind) else _typed)(kind, value, where)
        check_limit(fields[key], values[key], where)
    made = cls(**values)
    if hasattr(cls, "check"):
        made.check(name)
    return made


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
    """Raises ConfigError for the first name that is not known; suggests a close one."""
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(str(key), list(known), n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise ConfigError(f"{name}: {key!r} is not known{meant}; there are {', '.join(sorted(known))}")


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
