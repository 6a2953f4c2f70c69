"""TOML: read by Python's own parser (tomli before 3.11), and written as far as a config needs it."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any, Iterator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class TOMLError(ValueError):
    """A file or a value is not TOML; the message says where."""


def read(path: str | Path) -> dict[str, Any]:
    """Reads a file.

    Raises:
        TOMLError: the file cannot be read, or is not TOML.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise TOMLError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise TOMLError(f"{path}: expected a text file in UTF-8") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> dict[str, Any]:
    """Reads a text; ``name`` begins error messages."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TOMLError(f"{name}: not TOML: {error}") from None


def parse_value(text: str) -> Any:
    """`3e-3`, `true`, `[20, 30]`, `"adam"`: a value of TOML; any other text stands for itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def write(content: dict[str, Any]) -> str:
    """The text of a dict of numbers, flags, strings, lists and such dicts; `read` gives it back equal."""
    return "\n".join(_lines(content, ())).strip() + "\n"


def _lines(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Plain values first, then tables: a value after a table would belong to it."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    arrays = {key: value for key, value in table.items() if _is_table_array(value)}
    for key, value in table.items():
        if key not in tables and key not in arrays:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        inner = (*path, _key(key))
        yield from ("", f"[{'.'.join(inner)}]")
        yield from _lines(value, inner)
    for key, values in arrays.items():
        inner = (*path, _key(key))
        for value in values:
            yield from ("", f"[[{'.'.join(inner)}]]")
            yield from _lines(value, inner)


def _is_table_array(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(v, dict) for v in value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {"inf": "inf", "-inf": "-inf"}.get(str(value), "nan")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"toml.write: expected numbers, flags, strings, lists and dicts, found {value!r}")
