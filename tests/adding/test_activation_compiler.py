"""An activation costs the compiler one class: conversion, passes, evaluator, text, file and docs follow."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Iterator

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from bmx import compiler
from bmx.compiler import fileformat
from bmx.compiler.frontend.converters import CONVERTERS, elementwise
from bmx.compiler.ir import ops
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.text import parse, to_text
from bmx.compiler.operators_doc import operators_markdown
from bmx.discovery import import_modules

CLASS = '''
import numpy as np

from bmx.compiler.ir.ops.elementwise import Activation


class Softsign(Activation):
    """x / (1 + |x|)."""

    name = "softsign"
    monotone = True
    non_decreasing = True

    def evaluate(self, node, x, layout):
        wide = x.astype(np.float64)
        return (wide / (1 + np.abs(wide))).astype(np.float32)
'''


class Net(HybridBlock):
    """Both of MXNet's spellings, then a sign."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = F.softsign(F.Activation(x, act_type="softsign"))
        return y, 1 - 2 * (y < 0)


@pytest.fixture(autouse=True)
def softsign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The class, in a folder that counts as a part of bmx/compiler/ir/ops."""
    (tmp_path / "softsign.py").write_text(CLASS)
    monkeypatch.setattr(ops, "__path__", [*ops.__path__, str(tmp_path)])
    import_modules(ops)
    importlib.reload(elementwise)
    yield
    del OPERATORS["softsign"], CONVERTERS["softsign"], sys.modules["bmx.compiler.ir.ops.softsign"]
    importlib.reload(elementwise)


def test_a_net_with_it_compiles_to_what_mxnet_computes() -> None:
    net = Net()
    graph = compiler.compile(net, (1, 5))
    assert [node.op for node in graph.nodes] == ["softsign", "softsign", "threshold", "cast"]
    x = np.random.RandomState(0).standard_normal((6, 5)).astype(np.float32)
    expected = [y.asnumpy() for y in net(mx.nd.array(x))]
    values, signs = evaluate(graph, {"data": x})
    np.testing.assert_allclose(values, expected[0], rtol=1e-6)
    np.testing.assert_array_equal(signs, expected[1])


def test_text_and_file_hold_it() -> None:
    graph = compiler.compile(Net(), (1, 5))
    assert to_text(parse(to_text(graph))) == to_text(graph)
    assert to_text(fileformat.read(fileformat.to_bytes(graph))) == to_text(graph)


def test_the_page_of_operators_lists_it() -> None:
    page = operators_markdown()
    assert "| `Activation` | `relu`, `tanh`, `sigmoid`, `softsign` |" in page
    assert "`act_type` relu, tanh, sigmoid or softsign" in page
    assert "| `softsign` | `softsign` | everything |" in page
    assert "| `softsign` | f32 | yes | x / (1 + |x|). |" in page
