"""An operator costs the compiler a class in ir/ops and a converter; both are found by enumeration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Iterator

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from bmx import compiler
from bmx.compiler import fileformat
from bmx.compiler.format_doc import format_table
from bmx.compiler.frontend import converters
from bmx.compiler.frontend.converters import CONVERTERS
from bmx.compiler.ir import GraphError, ops
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.text import parse, to_text
from bmx.compiler.operators_doc import operators_markdown
from bmx.discovery import import_modules

OPERATOR = '''
import numpy as np

from bmx.compiler.ir.ops.base import Attribute, Elementwise


class SmoothL1(Elementwise):
    """(s x)^2 / 2 where |x| < 1 / s^2, otherwise |x| - 1 / (2 s^2)."""

    name = "smooth_l1"
    attributes = {"scale": Attribute("a number above 0", lambda v: isinstance(v, float) and v > 0)}

    def evaluate(self, node, x, layout):
        square = node.attrs["scale"] ** 2
        wide = np.abs(x.astype(np.float64))
        return np.where(wide < 1 / square, square * wide**2 / 2, wide - 0.5 / square).astype(np.float32)
'''

CONVERTER = """
from bmx.compiler.frontend.converters.base import converter


@converter("smooth_l1", becomes="`smooth_l1`")
def _smooth_l1(attrs):
    scale = attrs.number("scalar", 1.0)
    return lambda build, name, x: build.add(name, "smooth_l1", x, {"scale": scale})
"""


class Net(HybridBlock):
    """The operator on an image."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.smooth_l1(x, scalar=1.5)


@pytest.fixture(autouse=True)
def smooth_l1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two files, in folders that count as parts of the compiler's."""
    for package, content in ((ops, OPERATOR), (converters, CONVERTER)):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "smooth_l1.py").write_text(content)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        import_modules(package)
    yield
    del OPERATORS["smooth_l1"], CONVERTERS["smooth_l1"]
    for package in (ops, converters):
        del sys.modules[f"{package.__name__}.smooth_l1"]


def test_a_net_with_it_compiles_to_what_mxnet_computes() -> None:
    graph = compiler.compile(Net(), (1, 2, 3, 4))
    x = np.random.RandomState(0).standard_normal((5, 2, 3, 4)).astype(np.float32)
    (actual,) = evaluate(graph, {"data": x})
    np.testing.assert_allclose(actual, Net()(mx.nd.array(x)).asnumpy(), rtol=1e-5, atol=1e-7)


def test_text_and_file_hold_it() -> None:
    graph = compiler.compile(Net(), (1, 6))
    assert '= smooth_l1(data) {"scale": 1.5}' in to_text(graph)
    assert to_text(parse(to_text(graph))) == to_text(graph)
    assert to_text(fileformat.read(fileformat.to_bytes(graph))) == to_text(graph)


def test_the_pages_of_operators_and_of_the_file_format_have_it() -> None:
    meaning = "(s x)^2 / 2 where |x| < 1 / s^2, otherwise |x| - 1 / (2 s^2)."
    assert f"| `smooth_l1` | f32 | yes | {meaning} |" in operators_markdown()
    assert f"| `smooth_l1` | f32 -> f32 | `scale`: a number above 0 | | {meaning} |" in format_table()


def test_the_verifier_checks_it() -> None:
    with pytest.raises(GraphError, match="scale should be a number above 0, found"):
        parse('graph net channels_first\ninput x: f32[3]\ny = smooth_l1(x) {"scale": -1.0}\noutput y')
