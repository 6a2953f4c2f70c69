"""A quantizer is one file, that of docs/adding.md: found, used by its name, trained, exported, verified."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

import bmx
from bmx.discovery import import_modules
from bmx.gluon import nn
from bmx.gluon.nn import quantizers
from bmx.gluon.nn.quantizers import registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding.md"
(MODULE,) = re.findall(r"^## A quantizer$.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a quantizer whose file lies where those of bmx do."""
    (tmp_path / "day.py").write_text(MODULE)
    monkeypatch.setattr(quantizers, "__path__", [*quantizers.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    import_modules(quantizers)
    yield "sign_of_the_day"
    del sys.modules["bmx.gluon.nn.quantizers.day"], quantizers.day


def test_one_file_is_all_that_it_takes(name: str, tmp_path: Path) -> None:
    assert name in nn.list_quantizers()
    net = gluon.nn.HybridSequential()
    net.add(nn.QConv2D(8, 3, input_quantizer=name, weight_quantizer=name), gluon.nn.Dense(3))
    net.initialize(mx.init.Normal(1))
    x = mx.nd.array(np.random.RandomState(0).normal(size=(2, 4, 6, 6)))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    with mx.autograd.record():
        out = net[0](x)
        loss = net(x).square().sum()
    loss.backward()
    signs = [np.where(v.asnumpy() < 0.25, -1, 1) for v in (x, net[0].weight.data())]
    assert out[0, 0, 0, 0].asscalar() == (signs[0][0, :, :3, :3] * signs[1][0]).sum()
    before = net[0].weight.data().asnumpy()
    trainer.step(1)
    assert (net[0].weight.data().asnumpy() != before).any()

    path = tmp_path / "net.bmx"
    bmx.export(net, str(path), (1, 4, 6, 6))
    bmx.verify(net, path)
    binary = [node for node in bmx.runtime.Model(path).info()["nodes"] if node["op"] == "binary_conv2d"]
    assert len(binary) == 1
