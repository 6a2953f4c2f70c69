"""Recipes: a file for each paper, and some small ones that train in minutes; a new one is a new file."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from bmx.training import toml
from bmx.training.reading import ConfigError

# Names that recipes had before, for commands and files that were written with them.
_OLD_NAMES = {
    "bireal_net": "birealnet",
    "dorefa": "dorefanet",
    "group_net": "groupnet",
    "react_net": "reactnet",
    "self_binarizing": "selfbin",
}


def list_recipes() -> list[str]:
    """The names, sorted."""
    return sorted(_files())


def read_recipe(name: str) -> dict[str, Any]:
    """The description of a recipe, as `Config.from_dict` takes it; old names are known too.

    Raises:
        ConfigError: there is no recipe of this name; the message lists the names.
    """
    name, known = _OLD_NAMES.get(name, name), list_recipes()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(f"there is no recipe {name!r}{meant}; there are {', '.join(known)}")
    return toml.read(_files()[name])


def _files() -> dict[str, Path]:
    """The files by their names."""
    return {path.stem: path for folder in __path__ for path in Path(folder).glob("*.toml")}
