"""`bmx bench`: times, memory, layers, and one-sentence errors."""

from __future__ import annotations

import re
import sys

import pytest

from bmx import runtime
from tests.support.command_line import assert_fails, invoke, json_of


def test_bench_reports_times_and_memory(packed_files):
    report = json_of("bench", "lenet.bmx", "--runs", "9", "--isa", "scalar", "--batch", "2", "--threads", "2")
    assert {key: report[key] for key in ("file", "isa", "threads", "batch", "runs")} == {
        "file": "lenet.bmx",
        "isa": "scalar",
        "threads": 2,
        "batch": 2,
        "runs": 9,
    }
    assert 0 < report["min_ms"] <= report["median_ms"] <= report["p95_ms"]
    assert report["samples_per_s"] == pytest.approx(2000 / report["median_ms"])
    expected = runtime.Model("lenet.bmx", "scalar").memory(2, 2)._asdict()
    memory = report["memory"]
    assert {key: memory[key] for key in expected} == expected
    assert memory["resident_bytes"] > expected["packed_bytes"]
    assert memory["peak_resident_bytes"] >= memory["resident_bytes"]
    assert "layers" not in report


def test_bench_measures_each_layer(packed_files):
    layers = json_of("bench", "lenet.bmx", "--runs", "3", "--layers", "--input", "x.npy")["layers"]
    assert [layer["op"] for layer in layers][:2] == ["conv2d", "max_pool2d"]
    assert sum(layer["share"] for layer in layers) == pytest.approx(1)
    assert layers[0]["macs"] == 24 * 24 * 16 * 25
    assert layers[0]["gmacs_per_s"] == pytest.approx(1e-6 * 3 * layers[0]["macs"] / layers[0]["ms"])
    result = invoke("bench", "lenet.bmx", "--runs", "3", "--layers")
    assert result.exit_code == 0, result.stderr
    for layer in layers:
        assert re.search(rf"{layer['node']} .*{layer['op']} .* %", result.stdout)
    assert re.search(r"median [\d.]+ ms, p95 [\d.]+ ms, min [\d.]+ ms; [\d,]+ samples/s", result.stdout)
    assert re.search(r"arena [\d,]+ \+ workspace [\d,]+ \+ weights [\d,]+ = [\d,]+ kB", result.stdout)


def test_bench_needs_no_proc(packed_files, monkeypatch):
    def refuse(*arguments):
        raise FileNotFoundError

    module = sys.modules["bmx.commands.bench"]  # the package's attribute is the command
    monkeypatch.setattr(module, "open", refuse, raising=False)
    memory = json_of("bench", "lenet.bmx", "--runs", "2")["memory"]
    assert memory["resident_bytes"] is memory["peak_resident_bytes"] is None
    assert "this process" not in invoke("bench", "lenet.bmx", "--runs", "2").stdout


def test_bench_takes_several_inputs(packed_files):
    assert json_of("bench", "pair.bmx", "--runs", "2")["batch"] == 1


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["bench"], "Missing argument 'FILE'.*see 'bmx bench --help'"),
        (["bench", "lenet.bmx", "--threads", "0"], "0 is not in the range"),
        (["bench", "lenet.bmx", "--threads", "257"], "257 is not in the range 1<=x<=256"),
        (["bench", "lenet.bmx", "--runs", "0"], "0 is not in the range"),
        (["bench", "lenet.bmx", "--runs", "many"], "'many' is not a valid integer"),
        (["bench", "lenet.bmx", "--input", "x.npy", "--batch", "2"], "has a batch of its own"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2(packed_files, arguments, pattern):
    assert_fails(invoke(*arguments), 2, pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["bench", "no.bmx"], r"no\.bmx: there is no such file"),
        (["bench", "x.npy"], r"x\.npy: not a \.bmx file"),
        (["bench", "lenet.bmx", "--isa", "mmx"], "unknown ISA 'mmx'"),
        (["bench", "lenet.bmx", "--input", "four.npy"], r"expected shape \(batch, 1, 28, 28\)"),
        (["bench", "pair.bmx", "--input", "four.npy"], r"the model has 2 \(data, other\)"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_failures_exit_with_1_and_leave_no_file(packed_files, arguments, pattern):
    before = set(packed_files.iterdir())
    assert_fails(invoke(*arguments), 1, pattern)
    assert set(packed_files.iterdir()) == before
