"""Schedules against their closed forms, and how they reach quantizers."""

from __future__ import annotations

import math
import pickle

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from bmx.gluon import nn
from bmx.gluon.schedule import (
    Cosine,
    Exponential,
    Linear,
    Schedule,
    Step,
    Temperature,
    WarmUp,
    set_hyperparameter,
)

CASES = [
    (Linear(1, 3, 4), [1, 1.5, 2, 2.5, 3, 3]),
    (Linear(0.3, 0.1, 3), [0.3, 0.3 - 0.2 / 3, 0.3 - 0.4 / 3, 0.1, 0.1]),
    (Exponential(1, 1000, 3), [1, 10, 100, 1000, 1000]),
    (Exponential(2, 0.5, 4), [2, 2**0.5, 1, 2**-0.5, 0.5]),
    (Cosine(4, 0, 4), [4, 2 + math.sqrt(2), 2, 2 - math.sqrt(2), 0, 0]),
    (Cosine(0, 1, 2), [0, 0.5, 1, 1]),
    (Step(8, 0.5, 2), [8, 8, 4, 4, 2, 2, 1]),
    (Step(8, 0.5, (1, 4)), [8, 4, 4, 4, 2, 2]),
    (Step(8, 0.5, []), [8, 8]),
    (WarmUp(Linear(4, 0, 2), 4), [0, 1, 2, 3, 4, 2, 0, 0]),
    (WarmUp(Step(1, 0.1, 1), 2, start=0.5), [0.5, 0.75, 1, 0.1, 0.01]),
    (Temperature(), [0.9**t for t in range(153)] + [0, 0]),
    (Temperature(2, 0.5, 0.25), [2, 1, 0.5, 0.25, 0]),
]


@pytest.mark.parametrize(("schedule", "expected"), CASES)
def test_values(schedule, expected):
    assert [schedule(t) for t in range(len(expected))] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert schedule(-1) == schedule(0)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize("cls", [Linear, Exponential, Cosine])
def test_the_ends_are_exact(cls):
    schedule = cls(0.1, 0.7, 7)
    assert (schedule(0), schedule(7), schedule(100)) == (0.1, 0.7, 0.7)


def test_the_temperature_becomes_exactly_0():
    assert Temperature()(152) > 0
    assert Temperature()(153) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0, 1, 0), "Linear: expected steps >= 1, found 0"),
        (lambda: Exponential(0, 1, 2), "expected start > 0"),
        (lambda: Exponential(1, -1, 2), "expected end > 0"),
        (lambda: Step(1, 0.1, 0), "expected at of 1 or more"),
        (lambda: Step(1, 0.1, (3, 0)), "expected at of 1 or more"),
        (lambda: WarmUp(Temperature(), 0), "expected steps >= 1"),
        (lambda: Temperature(start=0), "expected start > 0"),
        (lambda: Temperature(factor=1), "expected factor above 0 and below 1"),
        (lambda: Temperature(least=-1), "expected least >= 0"),
        (lambda: Schedule(None), "expected hyper-parameter=schedule"),
    ],
)
def test_values_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


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
