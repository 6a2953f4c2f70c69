"""docs/operators.md is what the registries say."""

from __future__ import annotations

from pathlib import Path

from bmx.compiler.operators_doc import operators_markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operators.md"


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == operators_markdown(), (
        "run: python -m bmx.compiler.operators_doc > docs/operators.md"
    )
