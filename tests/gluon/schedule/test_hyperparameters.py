"""Schedules that set the hyper-parameters of quantizers."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from bmx.gluon import nn
from bmx.gluon.schedule import (
    Exponential,
    Linear,
    Schedule,
    set_hyperparameter,
)


class FakeQuantizer:
    def __init__(self, **values):
        self.values = values

    def set(self, name, value):
        if name not in self.values:
            raise KeyError(name)
        self.values[name] = value

    def __repr__(self):
        return "FakeQuantizer"


class FakeBlock:
    def __init__(self, *quantizers, children=()):
        self.quantizers = quantizers
        self._children = dict(enumerate(children))


def test_a_schedule_sets_every_quantizer_that_has_the_hyperparameter():
    shared, inner, other = FakeQuantizer(nu=1), FakeQuantizer(nu=1, clip=1), FakeQuantizer(clip=1)
    net = FakeBlock(shared, children=[FakeBlock(inner, shared), FakeBlock(other)])
    schedule = Schedule(net, nu=Exponential(1, 100, 2), clip=Linear(1, 2, 2))
    assert schedule(1) == {"nu": 10, "clip": 1.5}
    assert (shared.values, inner.values, other.values) == ({"nu": 10}, {"nu": 10, "clip": 1.5}, {"clip": 1.5})
    assert set_hyperparameter(net, "nu", 7) == 2
    with pytest.raises(KeyError, match="hyper-parameter 'mu' in FakeBlock, found FakeQuantizer"):
        set_hyperparameter(net, "mu", 7)
    with pytest.raises(KeyError, match="found no quantizers"):
        set_hyperparameter(FakeBlock(), "nu", 7)


class Sharpened(nn.Quantizer):
    """tanh(nu * x)."""

    kind = "real"
    learned = (nn.Learned("nu", 1.0, trained=False),)

    def codes(self, F, x, nu):
        return F.tanh(F.broadcast_mul(x, nu))


def test_a_hybridized_net_follows_its_schedule():
    net = gluon.nn.HybridSequential()
    net.add(nn.QActivation(Sharpened(), ndim=2), nn.QActivation(Sharpened(), ndim=2))
    net.initialize()
    net.hybridize()
    x = np.linspace(-1, 1, 7, dtype=np.float32).reshape(1, 7)
    schedule = Schedule(net, nu=Exponential(1, 1000, 3))
    for step, nu in enumerate((1, 10, 100, 1000)):
        schedule(step)
        expected = np.tanh(nu * np.tanh(nu * x))
        np.testing.assert_allclose(net(mx.nd.array(x)).asnumpy(), expected, rtol=1e-5, atol=1e-6)
