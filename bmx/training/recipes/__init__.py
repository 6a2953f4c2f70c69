"""Recipes: a file for each paper, and some small ones that train in minutes. Adding one is adding a file."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from bmx.training import toml
from bmx.training.reading import ConfigError

_FOLDER = Path(__file__).parent


def list_recipes() -> list[str]:
    """The names, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """A recipe's description, as `Config.from_dict` takes it.

    Raises:
        ConfigError: there is no recipe of this name; the message lists them.
    """
    known = list_recipes()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(f"there is no recipe {name!r}{meant}; there are {', '.join(known)}")
    return toml.read(_FOLDER / f"{name}.toml")
