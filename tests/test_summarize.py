"""Counts equal to those that the papers and their authors' code publish."""

from __future__ import annotations

import json
import subprocess
import sys

import mxnet as mx
import pytest
from mxnet.gluon import nn as float_nn

import bmx
from bmx.gluon import model_zoo, nn
from bmx.gluon.parameters import ensure_initialised

# name: params, binary params, MiB, float MACs (M), binary MACs (G), ops (M); as published, or computed from
# the published architecture and equal to what is published: BMXNet's wiki, Larq Zoo, the papers' own code.
PUBLISHED = {
    "resnete18": (11_689_646, 10_985_472, 3.996, 137.28, 1.676, 163.5),
    "binarydensenet28": (5_131_496, 4_202_496, 4.045, 201.91, 3.587, 258.0),
    "binarydensenet37": (8_702_248, 7_593_984, 5.133, 199.10, 4.507, 269.5),
    "meliusnet22": (6_944_584, 6_119_424, 3.877, 135.88, 4.624, 208.1),
    "meliusnet23": (8_187_784, 7_446_528, 3.715, 73.87, 2.533, 113.4),
    "meliusnet29": (11_328_328, 10_321_920, 5.070, 128.85, 5.470, 214.3),
    "meliusneta": (9_238_984, 8_441_856, 4.047, 86.73, 4.852, 162.5),
    "meliusnetc": (12_240_264, 11_427_840, 4.461, 82.21, 4.353, 150.2),
    "birealnet18": (11_689_512, 10_985_472, 3.995, 137.28, 1.676, 163.5),
    "reactnet_a": (29_343_592, 28_253_184, 7.53, 10.84, 4.817, 86.1),
    "react_resnet18": (11_704_424, 10_985_472, 4.05, 137.28, 1.676, 163.5),
}
# With the weights that Keras counts beside: four a channel of a batch norm.
LARQ = {"birealnet18": 11_699_112, "binarydensenet28": 5_150_504, "binarydensenet37": 8_734_120}


def summary_of(name: str, convention: str = "hpi") -> bmx.summarize.Summary:
    net = model_zoo.get_model(name)
    shape = (1, *model_zoo.input_shape(name))
    ensure_initialised(net, shape)
    return bmx.summary(net, shape, convention)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name: str) -> None:
    params, binary, mib, float_macs, binary_macs, ops = PUBLISHED[name]
    found = summary_of(name)
    assert (found.params, found.binary_params) == (params, binary)
    assert found.size_bytes / 2**20 == pytest.approx(mib, abs=0.01)
    assert found.float_macs / 1e6 == pytest.approx(float_macs, abs=0.01)
    assert found.binary_macs / 1e9 == pytest.approx(binary_macs, abs=0.001)
    assert found.ops / 1e6 == pytest.approx(ops, abs=0.1)
    if name in LARQ:
        assert summary_of(name, "larq").params == LARQ[name]


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
    ensure_initialised(net, (1, 3, 6, 6))
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
