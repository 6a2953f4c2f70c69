"""Sources of nets: what a name means, and what is said of one that means nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

from bmx.gluon import sources


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("lenet", "zoo"),
        ("gluoncv:resnet18_v1", "gluoncv"),
        ("binarized:resnet18_v1", "gluoncv"),
        ("package.module:function", "function"),
        ("folder/net-symbol.json", "saved"),
        ("C:/net-symbol.json", "saved"),
    ],
)
def test_kinds(source: str, kind: str) -> None:
    assert sources.is_function(source) == (kind == "function")
    assert sources.is_saved_net(source) == (kind == "saved")
    assert sources.is_of_gluoncv(source) == (kind == "gluoncv")
    assert sources.takes_classes(source) == (kind in ("zoo", "gluoncv"))


def test_a_function_gets_the_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_source.py").write_text("def build(**arguments):\n    return arguments\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    try:
        assert sources.build_model("own_source:build", {"width": 3}) == {"width": 3}
    finally:
        sys.modules.pop("own_source", None)


def test_a_saved_net_answers_as_the_net(tmp_path: Path) -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(3, in_units=4))
    net.initialize()
    net.hybridize()
    x = mx.nd.ones((2, 4))
    expected = net(x).asnumpy()
    net.export(str(tmp_path / "net"))
    found = sources.build_model(
        str(tmp_path / "net-symbol.json"), {"params": str(tmp_path / "net-0000.params")}
    )
    np.testing.assert_array_equal(found(x).asnumpy(), expected)


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("lennet", {}, "did you mean lenet"),
        ("lenet", {"color": 1}, "color"),
        (
            "absent_module:build",
            {},
            "there is no module 'absent_module' here or installed; expected the name",
        ),
        ("json:absent", {}, "module 'json' has no function 'absent'; expected module:function"),
        ("net-symbol.json", {}, "a saved net is two files"),
        ("net-symbol.json", {"params": "net-0000.params"}, "there is no file net-symbol.json"),
    ],
)
def test_what_names_nothing(source: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(sources.SourceError, match=message):
        sources.build_model(source, arguments)


def test_parameters_of_another_net_are_refused(tmp_path: Path) -> None:
    nets = [nn.Dense(units, in_units=2) for units in (3, 4)]
    for net in nets:
        net.initialize()
    path = tmp_path / "net.params"
    nets[0].save_parameters(str(path))
    sources.load_parameters(nets[0], path)
    with pytest.raises(sources.ParametersError, match=r"net.params: no parameters of mine .*; give a file"):
        sources.load_parameters(nets[1], path, "mine")
