"""The compiler's public names, the former ones among them."""

from __future__ import annotations

import importlib

import bmx
from bmx import compiler


def test_the_file_format_has_its_former_name() -> None:
    former = importlib.import_module("bmx.compiler.fileformat")
    assert former is compiler.fileformat is bmx.compiler.fileformat
    assert former.read is importlib.import_module("bmx.compiler.backend.fileformat").read


def test_the_graph_has_its_former_name() -> None:
    former = importlib.import_module("bmx.compiler.ir")
    assert (former.Graph, former.GraphError) == (compiler.Graph, compiler.GraphError)


def test_all_public_names_are_there() -> None:
    assert [name for name in compiler.__all__ if not hasattr(compiler, name)] == []
