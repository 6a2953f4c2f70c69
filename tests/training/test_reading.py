"""Dicts merged and compared."""

from __future__ import annotations

from bmx.training.reading import differences, merge


def test_merge_and_differences() -> None:
    merged = merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 9}, "e": 4})
    assert merged == {"a": {"b": 9, "c": 2}, "d": 3, "e": 4}
    assert differences({"a": {"b": 1, "c": 2}, "d": 3}, merged) == ["a.b", "e"]
