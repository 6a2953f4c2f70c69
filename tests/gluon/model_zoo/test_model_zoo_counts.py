"""Every net of the registry has the counts that it was registered with."""

from __future__ import annotations

import pytest

import bmx
from bmx.gluon import model_zoo
from tests.support.zoo_counts import NamedCase, differences, registered_cases, uncounted_models

CASES = registered_cases()
SLOW = [named for named in CASES if named.case.slow]


def title(named: NamedCase) -> str:
    return named.title


def test_every_net_has_counts() -> None:
    assert uncounted_models() == []


@pytest.mark.parametrize("named", CASES, ids=title)
def test_counts(named: NamedCase) -> None:
    assert differences(*named, parameters_only=named.case.slow) == []


@pytest.mark.slow
@pytest.mark.parametrize("named", SLOW, ids=title)
def test_counts_of_large_nets(named: NamedCase) -> None:
    assert differences(*named) == []


def test_convolutions_of_selfbin_alexnet() -> None:
    """The dense layers have 58 million weights, and no products that count."""
    net = model_zoo.get_model("selfbin_alexnet")[:-6]
    net.initialize()
    found = bmx.summary(net, (1, 3, 224, 224))
    assert (found.float_macs, found.binary_macs) == (0, 1_814_540_544)
    assert found.layers[0].shape == (96, 55, 55)
    assert found.layers[-1].shape == (256, 13, 13)


def test_first_layer_of_bnn_cifar() -> None:
    net = model_zoo.get_model("bnn_cifar")
    net.initialize()
    assert bmx.summary(net, (1, 3, 32, 32)).layers[0].weights == 3456
