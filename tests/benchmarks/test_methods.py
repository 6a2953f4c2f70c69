"""The short form of benchmarks/methods.py: every method trains a step or two, exports, and agrees."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from benchmarks import methods
from benchmarks.systems import SYSTEMS
from bmx import runtime
from bmx.compiler import fileformat
from bmx.compiler.ir import verifier
from bmx.exporter import export

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results" / "methods.json"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_trains_exports_and_agrees(name: str, capsys: pytest.CaptureFixture) -> None:
    row = methods.run(SYSTEMS[name], argparse.Namespace(short=True, epochs=None, seed=0))
    assert row["agreement"] == 1
    assert "top-1 agreement 1.0000" in capsys.readouterr().out


def test_the_page_is_made_from_the_results() -> None:
    rows: dict[str, Any] = json.loads(RESULTS.read_text())
    assert set(rows) == set(SYSTEMS)
    assert methods.table(rows) == (ROOT / "docs" / "methods.md").read_text()
    for name, row in rows.items():
        assert row["agreement"] == 1, name
        assert row["digits"] == "mnist", name


def exported(name: str, tmp_path: Path) -> tuple[Any, Path]:
    mx.random.seed(0)
    system = SYSTEMS[name]
    net = system.build()
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros(methods.SHAPE))
    for parameter in net.collect_params(".*running_mean").values():
        parameter.set_data(mx.nd.random.normal(0, 30, parameter.shape))
    for parameter in net.collect_params(".*gamma").values():
        parameter.set_data(mx.nd.random.normal(0, 1, parameter.shape))
    path = tmp_path / f"{name}.bmx"
    export(net, str(path), methods.SHAPE, system.preprocessing)
    return net, path


def test_a_self_binarizing_net_has_no_float_between_pixels_and_scores(tmp_path: Path) -> None:
    """By the contents of its file: no float value, no float tensor, thresholds of 8 bits."""
    net, path = exported("selfbin", tmp_path)
    graph = fileformat.read(path.read_bytes())
    assert graph.inputs[0].type.dtype == "bytes"
    for node in graph.nodes:
        for role, array in node.constants.items():
            assert not np.issubdtype(array.dtype, np.floating), (node.name, role)
    first, *others = [node.constants["threshold"] for node in graph.nodes if node.op == "threshold"]
    assert np.abs(first).max() < 2**12
    assert len(others) == 2
    assert all(np.abs(threshold).max() <= 128 for threshold in others)
    types = verifier.verify(graph)
    assert "f32" not in {value.dtype for value in types.values()}
    assert types[graph.outputs[0]].dtype == "i32"
    assert b'"dtype":"F32"' not in path.read_bytes()
    assert b'"dtype":"I8"' in path.read_bytes()

    pixels = np.random.RandomState(0).randint(0, 256, (50, 1, 28, 28)).astype(np.uint8)
    scores = runtime.Model(str(path))(pixels)
    assert scores.dtype == np.int32
    expected = net(mx.nd.array(pixels.astype(np.float32) * np.float32(1 / 255))).asnumpy()
    np.testing.assert_array_equal(scores, expected)


def test_binarized_first_layers_read_pixels(tmp_path: Path) -> None:
    _, path = exported("bnn_convnet", tmp_path)
    graph = fileformat.read(path.read_bytes())
    assert graph.inputs[0].type.dtype == "bytes"
    assert next(node.op for node in graph.nodes if "conv" in node.op) == "integer_conv2d"
