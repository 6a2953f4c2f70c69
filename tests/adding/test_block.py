"""A block is one file, that of docs/adding.md: trained, given other quantizers, exported and verified."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any, Iterator

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import bmx
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.nn import blocks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding.md"
(MODULE,) = re.search(
    r"^## A block$.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL | re.MULTILINE
).groups()


@pytest.fixture
def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The class of a file that counts as a part of bmx/gluon/nn/blocks."""
    (tmp_path / "rezero.py").write_text(MODULE)
    monkeypatch.setattr(blocks, "__path__", [*blocks.__path__, str(tmp_path)])
    yield importlib.import_module("bmx.gluon.nn.blocks.rezero").ReZeroBlock
    del sys.modules["bmx.gluon.nn.blocks.rezero"], blocks.rezero


def made(block: Any, **quantized: Any) -> gluon.HybridBlock:
    mx.random.seed(3)
    stem = make_stem("thumbnail", thumbnail=True)
    net = Classifier([stem, block(64, **quantized), block(64, **quantized), *head()], 64, 5)
    net.initialize(mx.init.Xavier())
    for parameter in net.collect_params(".*alpha$").values():
        parameter.set_data(mx.nd.full((1, 1, 1, 1), 0.7))
    return net


def test_it_trains_and_is_exported_with_equal_results(block: Any, tmp_path: Path) -> None:
    net = made(block)
    images = mx.nd.array(np.random.RandomState(5).normal(size=(4, 3, 12, 12)))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    before = {
        name: value.data().asnumpy() for name, value in net.collect_params(".*(alpha|conv0_weight)$").items()
    }
    with autograd.record():
        loss = net(images).square().sum()
    loss.backward()
    trainer.step(4)
    for name, value in net.collect_params(".*(alpha|conv0_weight)$").items():
        assert (value.data().asnumpy() != before[name]).any(), name
    path = tmp_path / "net.bmx"
    assert bmx.export(net, str(path), (1, 3, 12, 12)).passed
    operators = [node["op"] for node in bmx.runtime.Model(path).info()["nodes"]]
    assert operators.count("binary_conv2d") == 2


def test_further_arguments_reach_its_binary_layer(block: Any) -> None:
    net = made(block, weight_quantizer="swish_sign")
    assert [repr(quantizer) for quantizer in net.features[1].conv.quantizers] == [
        "ApproxSign()",
        "SwishSign(beta=5.0)",
    ]
