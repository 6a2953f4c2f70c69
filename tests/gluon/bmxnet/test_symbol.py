"""Version 1 of BMXNet, and symbols of both versions as nets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

import bmx
from bmx.gluon.model_zoo import import_bmxnet, load_bmxnet
from bmx.gluon.nn import QConv2D, QDense, defaults
from tests.gluon.bmxnet.test_checkpoint import (
    SHAPE,
    Net,
    assert_equal,
    edit_symbol,
    images,
    save,
    theirs_pooled,
)
from tests.support import bmxnet_layers as bmxnet
from tests.support.bmxnet_layers import sequence, settle


def net_v1(use_bias: bool = True) -> Net:
    """A net of version 1: epsilons and fixed gammas of symbols, and a bias that is added to counts."""
    return sequence(
        *(nn.Conv2D(16, 3), nn.BatchNorm(epsilon=1e-3, scale=False)),
        *(bmxnet.QConvolutionV1(24, 3, padding=1, use_bias=use_bias), nn.BatchNorm(epsilon=2e-5)),
        *(nn.MaxPool2D(2), nn.Flatten(), bmxnet.QFullyConnectedV1(32, use_bias=use_bias)),
        *(nn.BatchNorm(epsilon=1e-3, scale=False), nn.Dense(5)),
    )


def ours_v1(**arguments: Any) -> Net:
    """Built as Gluon builds norms."""
    with defaults(pad_value=1, **arguments):
        return sequence(
            *(nn.Conv2D(16, 3), nn.BatchNorm(), QConv2D(24, 3, padding=1), nn.BatchNorm(), nn.MaxPool2D(2)),
            *(nn.Flatten(), QDense(32), nn.BatchNorm(), nn.Dense(5)),
        )


def save_v1(net: Net, folder: Path) -> str:
    """Module's checkpoint: a symbol, arguments first, then auxiliary states; weights binarized in place."""
    x = mx.sym.var("data")
    places = [0, 1, 2, 3, 6, 7, 8]  # of layers with parameters
    names = conv0, bn0, conv1, bn1, fc1, bn2, fc2 = ("conv0", "bn0", "conv1", "bn1", "fc1", "bn2", "fc2")
    y = mx.sym.Convolution(x, kernel=(3, 3), num_filter=16, name=conv0)
    y = mx.sym.BatchNorm(y, name=bn0)
    y = mx.sym.identity(y, name="act1")
    y = mx.sym.Convolution(y, kernel=(3, 3), pad=(1, 1), num_filter=24, name=conv1)
    y = mx.sym.BatchNorm(y, fix_gamma=False, eps=2e-5, name=bn1)
    y = mx.sym.Pooling(y, kernel=(2, 2), stride=(2, 2), pool_type="max")
    y = mx.sym.FullyConnected(mx.sym.Flatten(y), num_hidden=32, name=fc1)
    y = mx.sym.BatchNorm(y, name=bn2)
    y = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(y, num_hidden=5, name=fc2), name="softmax")
    arrays: dict[str, mx.nd.NDArray] = {}
    for kind in ("arg", "aux"):
        for place, name in zip(places, names):
            for role, parameter in net[place]._reg_params.items():
                if role.startswith("running") != (kind == "aux"):
                    continue
                value = parameter.data()
                if role == "weight" and name in (conv1, fc1):
                    value = mx.nd.where(value < 0, -mx.nd.ones_like(value), mx.nd.ones_like(value))
                if role == "gamma" and name in (bn0, bn2):
                    value = value * 0.99  # weight decay; fixed gammas count as 1
                arrays[f"{kind}:{name}_{role.replace('running', 'moving')}"] = value
    mx.nd.save(str(folder / "v1-0003.params"), arrays)
    symbol = json.loads(y.tojson())
    for node in symbol["nodes"]:
        attrs = node.get("attrs", {})
        if node["name"] == conv1:
            node["op"], attrs = "QConvolution", {**attrs, "act_bit": "1", "cudnn_off": "False"}
        elif node["name"] == fc1:
            node["op"], attrs = "QFullyConnected", {"num_hidden": "32", "no_bias": "False", "weight_bit": "1"}
        elif node["name"] == "act1":
            node["op"], attrs = "QActivation", {"backward_only": "True", "act_bit": "1"}
        node.pop("attrs", None)
        node["attr"] = attrs  # as MXNet wrote it then
    (folder / "v1-symbol.json").write_text(json.dumps(symbol))
    return str(folder / "v1-0003.params")


@pytest.mark.parametrize("output_range", ["dot", "popcount"])
def test_version_1(output_range: str, tmp_path: Path) -> None:
    theirs = settle(net_v1(), SHAPE, seed=5)
    path = save_v1(theirs, tmp_path)
    ours = ours_v1(output_range=output_range)
    load_bmxnet(ours, path, version=1)
    assert_equal(ours, theirs, SHAPE)


def test_version_1_without_its_symbol_takes_epsilon(tmp_path: Path) -> None:
    theirs = settle(net_v1(), SHAPE, seed=5)
    for norm in (theirs[1], theirs[3], theirs[7]):
        norm._kwargs["eps"] = 1e-3
    path = save_v1(theirs, tmp_path)
    (tmp_path / "v1-symbol.json").unlink()
    with defaults(pad_value=1):
        ours = net_like_v1_with_fixed_gammas()
    load_bmxnet(ours, path, version=1, epsilon=1e-3)
    assert_equal(ours, theirs, SHAPE)


def net_like_v1_with_fixed_gammas() -> Net:
    return sequence(
        *(nn.Conv2D(16, 3), nn.BatchNorm(scale=False), QConv2D(24, 3, padding=1), nn.BatchNorm()),
        *(nn.MaxPool2D(2), nn.Flatten(), QDense(32), nn.BatchNorm(scale=False), nn.Dense(5)),
    )


def test_a_symbol_of_version_1_is_a_net(tmp_path: Path) -> None:
    theirs = settle(net_v1(), SHAPE, seed=5)
    net = import_bmxnet(save_v1(theirs, tmp_path))
    x = images(SHAPE)
    expected = mx.nd.softmax(theirs(x)).asnumpy()
    # Differences of logits are relative to probabilities.
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=1e-3, atol=1e-6)
    bmx.export(net, str(tmp_path / "net.bmx"), (1, *SHAPE[1:]))


def test_a_symbol_of_version_2_is_a_net(tmp_path: Path) -> None:
    theirs = settle(theirs_pooled(), SHAPE, seed=1)
    theirs.hybridize()
    x = images(SHAPE)
    expected = theirs(x).asnumpy()
    path = save(theirs, "export", tmp_path)
    edit_symbol(tmp_path, use_operators_of_version_2)
    net = import_bmxnet(path)
    np.testing.assert_array_equal(net(x).asnumpy(), expected)
    bmx.export(net, str(tmp_path / "net.bmx"), (1, *SHAPE[1:]))


def use_operators_of_version_2(nodes: list[dict[str, Any]]) -> None:
    """1 - 2 * (x < 0) becomes det_sign after gradcancel, of weights det_sign alone."""
    for node in nodes:
        if node["op"] == "_lesser_scalar":
            node.update(op="_contrib_gradcancel", attrs={"threshold": "1.3"})
            if nodes[node["inputs"][0][0]]["op"] == "null":
                node.update(op="_copy", attrs={})
        elif node["op"] == "_mul_scalar":
            node.update(op="_copy", attrs={})
        elif node["op"] == "_rminus_scalar":
            node.update(op="det_sign", attrs={})


@pytest.mark.parametrize(
    ("node", "attrs", "message"),
    [
        ("conv1", {"act_bit": "4"}, "'conv1' has act_bit=4 and weight_bit=1; layers with 1 and 1"),
        ("fc1", {"binarized_weights_only": "True"}, "'fc1' has packed weights"),
        ("conv1", {"scaling_mode": "forward"}, "'conv1' scales its counts"),
    ],
)
def test_layers_of_version_1_that_are_refused(node: str, attrs: dict, message: str, tmp_path: Path) -> None:
    path = save_v1(settle(net_v1(), SHAPE, seed=5), tmp_path)
    symbol = json.loads((tmp_path / "v1-symbol.json").read_text())
    next(found for found in symbol["nodes"] if found["name"] == node)["attr"].update(attrs)
    (tmp_path / "v1-symbol.json").write_text(json.dumps(symbol))
    with pytest.raises(ValueError, match=message):
        load_bmxnet(ours_v1(), path, version=1)
    with pytest.raises(ValueError, match=message):
        import_bmxnet(path)


def test_symbols_that_cannot_be_imported(tmp_path: Path) -> None:
    path = save_v1(settle(net_v1(), SHAPE, seed=5), tmp_path)
    with pytest.raises(ValueError, match="'conv1' uses QConvolution, so this is version 1; give version=1"):
        load_bmxnet(ours_v1(), path)
    symbol = tmp_path / "v1-symbol.json"
    text = symbol.read_text()
    symbol.write_text(text.replace('"SoftmaxOutput"', '"Unheard"'))
    with pytest.raises(ValueError, match=r"MXNet cannot load it .*Unheard"):
        import_bmxnet(path)
    symbol.write_text("{}")
    with pytest.raises(ValueError, match="this is not a symbol file of MXNet"):
        import_bmxnet(path)
    symbol.unlink()
    with pytest.raises(ValueError, match=r"there is no symbol file NAME-symbol\.json beside it"):
        import_bmxnet(path)
