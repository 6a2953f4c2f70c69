"""TOML there and back."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bmx.training import toml


def test_toml_there_and_back() -> None:
    table = {
        "text": 'quotes " and \\ and \n and ü',
        "numbers": [1, 2.5, -3e-9, math.inf],
        "flag": True,
        "empty": [],
        "inner": {"a key": 1, "deeper": {"x": "y"}, "after": 2},
        "many": [{"name": "one", "section": {"k": 1}}, {"name": "two"}],
    }
    assert toml.parse(toml.write(table), "test") == table


@pytest.mark.parametrize(
    ("text", "value"), [("3e-3", 3e-3), ("true", True), ("[1, 2]", [1, 2]), ("adam", "adam"), ('"2"', "2")]
)
def test_values_of_arguments(text: str, value: Any) -> None:
    assert toml.parse_value(text) == value


def test_broken_files_are_named() -> None:
    with pytest.raises(toml.TOMLError, match=r"mine.toml: not TOML"):
        toml.parse("a = ", "mine.toml")
    with pytest.raises(toml.TOMLError, match=r"absent.toml: cannot be read"):
        toml.read("absent.toml")
