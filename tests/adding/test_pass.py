"""A pass costs one file, and one line in the list of passes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

from bmx.compiler import passes
from bmx.compiler.ir.text import parse
from bmx.compiler.passes import REGISTRY
from bmx.compiler.passes.pipeline import PASSES, run_passes
from bmx.discovery import import_modules

PASS = '''
from bmx.compiler.passes import compiler_pass


@compiler_pass
def one_relu_is_enough(graph):
    """relu(relu(x)) -> relu(x)."""
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op == "relu"]:
        above = graph.producers().get(graph.producers()[name].inputs[0])
        if above and above.op == "relu":
            graph.replace_uses(name, above.name)
            graph.replace_node(name)
    return graph
'''


@pytest.fixture(autouse=True)
def one_relu_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file, in a folder that counts as a part of bmx/compiler/passes."""
    (tmp_path / "one_relu_is_enough.py").write_text(PASS)
    monkeypatch.setattr(passes, "__path__", [*passes.__path__, str(tmp_path)])
    import_modules(passes)
    yield
    del REGISTRY["one_relu_is_enough"], sys.modules["bmx.compiler.passes.one_relu_is_enough"]


def test_its_line_in_the_list_runs_it() -> None:
    graph = parse("graph net channels_first\ninput x: f32[3]\na = relu(x)\nb = relu(a)\noutput b")
    assert [node.op for node in run_passes(graph).nodes] == ["relu", "relu"]
    with_the_line = ("remove_identity", "one_relu_is_enough", *PASSES[1:])
    assert [node.op for node in run_passes(graph, with_the_line).nodes] == ["relu"]
