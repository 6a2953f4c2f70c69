"""The engine's parts against what they are defined as."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mxnet import gluon
from mxnet.gluon import nn

from bmx.training import Batches
from bmx.training.assembly import Assembly, Updates
from bmx.training.engine import Engine
from bmx.training.objective import Objective
from bmx.training.optimizers import parameters
from tests.support.tiny_training import noise, plain_net, values


def trained(batch_size: int, **arguments: Any) -> tuple[nn.HybridSequential, Engine]:
    net = plain_net()
    trainer = gluon.Trainer(parameters(net), "sgd", {"learning_rate": 0.1})
    data = Batches(*noise(), batch_size, shuffle=True, seed=7)
    rate = arguments.pop("rate", lambda update: 0.1)
    assembly = Assembly(net, trainer, Objective(net), data, Updates(2, **arguments), rate)
    engine = Engine(assembly)
    engine.run()
    return net, engine


@pytest.mark.parametrize(("batch_size", "passes"), [(4, 4), (8, 2), (5, 3)])
def test_accumulated_gradients_are_those_of_the_large_batch(batch_size: int, passes: int) -> None:
    large, one = trained(batch_size * passes)
    small, other = trained(batch_size, accumulate=passes)
    assert one.progress.updates == other.progress.updates == 2 * -(-32 // (batch_size * passes))
    for a, b in zip(values(large), values(small)):
        np.testing.assert_allclose(a, b, atol=2e-6)  # sums of 32 float32 in another order
    moved = [abs(a - b).max() for a, b in zip(values(plain_net()), values(large))]
    assert min(moved) > 1e-4


def test_a_gradient_is_cut_to_its_length() -> None:
    before = values(plain_net())
    cut, _ = trained(32, clip_norm=0.01, most=1)
    step = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, values(cut))))
    assert step == pytest.approx(0.1 * 0.01, rel=1e-4)


def test_it_stops_at_so_many_updates() -> None:
    _, engine = trained(8, most=5)
    assert engine.progress.updates == engine.updates == 5
    assert [result.epoch for result in engine.progress.history] == [1, 2]


def test_rates_are_those_of_the_updates() -> None:
    asked: list[float] = []

    def rate(update: float) -> float:
        asked.append(update)
        return 0.1 / (1 + update)

    _, engine = trained(8, rate=rate)
    assert asked == list(range(8))
    assert engine.trainer.learning_rate == pytest.approx(0.1 / 8)
