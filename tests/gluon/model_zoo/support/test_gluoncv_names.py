"""Our models, and binary versions of GluonCV's, under names of gluoncv.model_zoo.get_model."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import binarize, model_zoo, nn
from bmx.gluon.model_zoo import register_in_gluoncv, registry
from bmx.gluon.model_zoo.support.gluoncv_names import RefusedArgument
from bmx.gluon.model_zoo.support.pretrained import PretrainedError
from bmx.gluon.surgery import ShortcutPerConv

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at import, about versions of what it depends on
    import gluoncv
    from gluoncv.model_zoo import get_model

KNOWN = gluoncv.model_zoo.model_zoo._models


@pytest.fixture(autouse=True)
def _seed():
    print("seed 31")
    mx.random.seed(31)


def shapes(net):
    return {name: p.shape for name, p in net._collect_params_with_prefix().items()}


def test_every_model_has_its_names_while_they_are_registered():
    before = dict(KNOWN)
    with register_in_gluoncv() as names:
        assert set(names.names) == set(KNOWN) - set(before)
        for name in [*model_zoo.list_models(), *registry.list_aliases()]:
            assert f"bmx_{name}" in KNOWN
            assert (f"bmx_{name}_thumbnail" in KNOWN) == registry.takes(name, "thumbnail")
        for name in before:
            assert f"binarized:{name}" in KNOWN
    assert before == KNOWN
    assert "bmx_resnete18_thumbnail" in names.names


def test_names_go_after_an_exception_and_in_any_nesting():
    before = dict(KNOWN)
    with pytest.raises(ZeroDivisionError), register_in_gluoncv():
        raise ZeroDivisionError
    outer = register_in_gluoncv()
    of_outer = dict(KNOWN)
    with register_in_gluoncv() as inner:
        assert inner.names == outer.names  # and none such as binarized:binarized:...
    assert of_outer == KNOWN
    outer.restore()
    outer.restore()
    assert before == KNOWN


@pytest.mark.parametrize("name", ["bmx_resnete18_thumbnail", "BMX_ResNetE18_Thumbnail"])
def test_what_the_recipes_for_cifar_pass(name):
    with register_in_gluoncv():
        net = get_model(name, classes=10)
    ours = model_zoo.get_model("resnete18", thumbnail=True, classes=10)
    for each in (net, ours):
        each.initialize()
        each(mx.nd.zeros((1, 3, 32, 32)))
    assert shapes(net) == shapes(ours)


def test_what_the_recipes_for_imagenet_pass():
    arguments = {
        "ctx": [mx.cpu()],
        "pretrained": False,
        "root": "nowhere",
        "batch_norm": True,
        "use_se": False,
    }
    norms = {"norm_layer": float_nn.BatchNorm, "norm_kwargs": {}}
    with register_in_gluoncv():
        net = get_model("bmx_resnete18", classes=7, last_gamma=False, **arguments, **norms)
    assert net.output._units == 7


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("use_se", True),
        ("last_gamma", True),
        ("norm_layer", mx.gluon.contrib.nn.SyncBatchNorm),
        ("norm_kwargs", {"num_devices": 2}),
    ],
)
def test_what_would_be_another_net_is_refused(argument, value):
    found = "norm_layer" if argument == "norm_kwargs" else argument
    message = rf"^bmx_resnete18: expected the net as its paper has it, found {found}; leave it out\.$"
    with register_in_gluoncv(), pytest.raises(RefusedArgument, match=message):
        get_model("bmx_resnete18", **{argument: value})


def test_pretrained_is_ours(monkeypatch, tmp_path):
    monkeypatch.delenv("BMX_MODELS_URL", raising=False)
    with register_in_gluoncv(), pytest.raises(PretrainedError):
        get_model("bmx_resnete18", pretrained=True, root=str(tmp_path))


def test_binarized_is_the_binarized_net(capsys):
    by_hand = get_model("cifar_resnet20_v1", classes=10)
    binarize(by_hand, verbose=False)
    with register_in_gluoncv():
        net = get_model("binarized:CIFAR_ResNet20_v1", classes=10)
    assert capsys.readouterr().out.startswith("binarize: 20 of 22 layers made binary")
    by_hand.initialize(mx.init.Xavier())
    x = mx.nd.random.normal(shape=(2, 3, 32, 32))
    by_hand(x)
    net.initialize()
    net(x)
    for ours, others in zip(net.collect_params().values(), by_hand.collect_params().values()):
        ours.set_data(others.data())
    np.testing.assert_array_equal(net(x).asnumpy(), by_hand(x).asnumpy())


@pytest.mark.parametrize(("everywhere", "here", "count"), [(None, "per_conv", 9), ("per_conv", None, 0)])
def test_shortcuts_of_binarized_nets(everywhere, here, count):
    def blocks(net):
        return sum(isinstance(b, ShortcutPerConv) for stage in net.features for b in stage._children.values())

    with register_in_gluoncv(shortcuts=everywhere):
        usual = get_model("binarized:cifar_resnet20_v1")
        asked = get_model("binarized:cifar_resnet20_v1", shortcuts=here)
    assert (blocks(usual), blocks(asked)) == (9 - count, count)


@pytest.mark.parametrize("name", ["binarized:cifar_resnet20_v1", "bmx_resnete_small"])
def test_a_file_stands_for_pretrained_parameters(name, tmp_path):
    path = str(tmp_path / "net.params")
    with register_in_gluoncv(params=path) as names:
        first = get_model(name, classes=10)
        first.initialize(mx.init.Xavier())
        x = mx.nd.random.normal(shape=(2, 3, 32, 32))
        expected = first(x).asnumpy()
        first.save_parameters(path)
        net = get_model(name, classes=10, pretrained=True, ctx=mx.cpu())
    np.testing.assert_array_equal(net(x).asnumpy(), expected)
    assert names.nets == [first, net]


def test_nets_that_are_gone_are_forgotten():
    with register_in_gluoncv() as names:
        net = get_model("bmx_resnete_small")
        get_model("bmx_resnete_small")
    gc.collect()
    assert names.nets == [net]
    assert any(isinstance(block, nn.QConv2D) for stage in net.features for block in stage._children.values())


def test_without_gluoncv(monkeypatch):
    for module in ("gluoncv", "gluoncv.model_zoo"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"expected GluonCV to be installed, found that its import fails"):
        register_in_gluoncv()


def test_the_zoo_needs_no_gluoncv():
    code = "import sys; sys.modules['gluoncv'] = None; import bmx.gluon.model_zoo as z; z.get_model('lenet')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
