"""The table of operators in docs/format.md is what the registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmx.compiler.format_doc import BEGIN, END, format_table, with_table
from bmx.compiler.ir.ops import OPERATORS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "format.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page
    assert END in page
    assert page == with_table(page), "run: python -m bmx.compiler.format_doc docs/format.md"


def test_a_row_for_each_operator_of_the_file() -> None:
    rows = [line.split("`")[1] for line in format_table().splitlines()[2:]]
    assert rows == [name for name, operator in OPERATORS.items() if operator.in_file]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("relu", "f32 -> f32 | | | max(x, 0)."),
        ("transpose", "f32 or bytes -> same dtype | `perm`: a permutation of the sample's axes | | "),
        ("dense", "f32 [I] -> f32 [O] | | `weight` F32 [O,I]; optional `bias` F32 [O] | "),
        (
            "integer_dense",
            "`signs`: true or false | `weight` U8 packed, in planes [weight_bits,O,ceil(I/8)] | ",
        ),
        ("binary_dense", "bits [I] -> i32 [O] | | `weight` U8 packed [O,ceil(I/8)] | "),
    ],
)
def test_cells_come_from_types_attributes_and_constants(name: str, cells: str) -> None:
    (row,) = [line for line in format_table().splitlines() if line.startswith(f"| `{name}` |")]
    assert cells in row
