"""The registry: names, suggestions, and every registered model builds, runs and trains a step."""

from __future__ import annotations

import re

import mxnet as mx
import pytest
from mxnet import autograd

from bmx.gluon.model_zoo import Published, get_model, input_shape, list_models, register, registry
from tests.support.command_line import invoke
from tests.support.zoo_counts import uncounted_models

# Larger ones take too long for every run of the tests.
SMALL = (
    *("binarydensenet28", "birealnet18", "bnext_t", "lenet", "meliusnet22", "meliusneta", "naivenet17"),
    *("quicknet_small", "react_resnet18", "real_to_binary", "resnete18"),
)


@pytest.mark.parametrize("name", list_models())
def test_every_model_is_built(name: str) -> None:
    assert isinstance(get_model(name, classes=7), mx.gluon.HybridBlock)
    assert len(input_shape(name)) == 3


@pytest.mark.parametrize("name", SMALL)
def test_a_model_runs_and_its_gradients_reach_every_weight(name: str) -> None:
    mx.random.seed(0)
    net = get_model(name, classes=7)
    net.initialize(mx.init.Xavier())
    net.hybridize()
    channels, height, width = input_shape(name)
    images = mx.nd.random.normal(shape=(2, channels, min(height, 64), min(width, 64)))
    with autograd.record():
        output = net(images)
    output.backward(mx.nd.random.normal(shape=output.shape))
    assert output.shape == (2, 7)
    for parameter in net.collect_params(".*weight$").values():
        if parameter.grad_req != "null":
            assert float(parameter.grad().abs().sum().asscalar()) > 0, parameter.name


def test_names_are_sorted_and_case_does_not_matter() -> None:
    assert list_models() == sorted(list_models())
    assert "lenet" in list_models()
    assert get_model("LeNet").name.startswith("lenet")


def test_classes_and_the_stem_may_follow_the_name() -> None:
    net = get_model("resnete18", 7, True)
    net.initialize()
    assert net(mx.nd.zeros((2, 3, 32, 32))).shape == (2, 7)
    stems = {thumbnail: get_model("resnete18", 7, thumbnail) for thumbnail in (False, True)}
    kernels = {}
    for thumbnail, built in stems.items():
        built.initialize()
        built(mx.nd.zeros((1, 3, 64, 64)))
        kernels[thumbnail] = next(iter(built.collect_params(".*weight").values())).shape[2:]
    assert kernels == {False: (7, 7), True: (3, 3)}


def test_unknown_name_lists_what_was_meant_and_what_there_is() -> None:
    with pytest.raises(
        ValueError, match=r"named 'lennet' \(did you mean lenet\b.*\?\); known models: .*lenet"
    ):
        get_model("lennet")
    with pytest.raises(ValueError, match=r"named 'xyzzy'; known models: .*lenet"):
        get_model("xyzzy")


def test_a_name_is_registered_once() -> None:
    def lenet() -> None:
        """Another one."""

    with pytest.raises(ValueError, match="'lenet' is registered already"):
        register(lenet)


def test_a_net_of_ones_own_needs_no_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_models", dict(registry._models))

    @register
    def net_of_my_own(classes: int = 3) -> mx.gluon.HybridBlock:
        return mx.gluon.nn.Dense(classes)

    found = registry.find("net_of_my_own")
    assert (found.paper, found.published) == (None, Published())
    assert get_model("net_of_my_own")._units == 3
    assert "net_of_my_own" not in uncounted_models()
    assert re.search(r"^net_of_my_own$", invoke("list", "models").stdout, re.MULTILINE)
