"""`bmx.summary` on small nets counted by hand; tests/gluon/model_zoo has the counts of the papers."""

from __future__ import annotations

import json
import subprocess
import sys

import mxnet as mx
import pytest
from mxnet.gluon import nn as float_nn

import bmx
from bmx.gluon import nn
from bmx.gluon.parameters import ensure_initialized


def test_small_nets_by_hand() -> None:
    net = float_nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            float_nn.Conv2D(4, 3, padding=1),
            float_nn.BatchNorm(),
            nn.QConv2D(8, 3, padding=1, use_bias=False),
            nn.QConv2D(6, 1, use_bias=False, bits=2, input_bits=3),
            float_nn.BatchNorm(),
            nn.QConv2D(5, 3, use_bias=True, input_bits=32, scaling="channel"),
            nn.QDense(10),
        )
    mx.random.seed(0)
    ensure_initialized(net, (1, 3, 6, 6))
    found = bmx.summary(net, (1, 3, 6, 6))
    assert [(row.weights, row.weight_bits, row.input_bits, row.macs) for row in found.layers] == [
        (4 * 27, 32, 32, 36 * 4 * 27),
        (8 * 36, 1, 1, 36 * 8 * 36),
        (48, 2, 3, 36 * 48),
        (270, 1, 32, 16 * 270),
        (800, 1, 1, 800),
    ]
    floats = (4 * 27 + 4) + 2 * 4 + 2 * 6 + 5 + 10
    assert found.float_params == floats
    assert found.params == floats + 8 * 36 + 48 + 270 + 800
    assert found.size_bytes == round(4 * floats + (8 * 36 + 2 * 48 + 270 + 800) / 8)
    assert found.float_macs == 36 * 4 * 27 + 16 * 270
    assert found.binary_macs == 36 * (8 * 36 + 6 * 48)
    larq = bmx.summary(net, (1, 3, 6, 6), "larq")
    assert larq.params == found.params + 2 * 10
    assert larq.binary_macs == found.binary_macs + 800


def test_errors_and_the_command() -> None:
    with pytest.raises(ValueError, match="expected one of 'hpi', 'larq', found 'keras'"):
        bmx.summary(float_nn.Dense(3), (1, 4), "keras")

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", "from bmx.cli import main; main()", "summary", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    counts = json.loads(run("lenet", "--json").stdout)
    assert counts["params"] == 1_140_330
    assert counts["binary_params"] == 64 * 64 * 25 + 1000 * 1024
    assert "1,140,330" in run("lenet").stdout
    wrong = run("lennet")
    assert wrong.returncode == 2
    assert "did you mean lenet" in wrong.stderr
    missing = run("none.bmx")
    assert missing.returncode == 2
    assert "there is no file none.bmx" in missing.stderr
