"""The engine's parts against what they are defined as."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn

from bmx.gluon.nn import QConv2D, QDense
from bmx.training import Batches, seed_everything
from bmx.training.assembly import Assembly, Updates
from bmx.training.ema import WeightAverage, measure_statistics
from bmx.training.engine import Engine
from bmx.training.mixup import mixup
from bmx.training.nonfinite import NonFiniteLossError, diagnose
from bmx.training.objective import Objective
from bmx.training.optimizers import parameters
from tests.support.tiny_training import build


def noise(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(3)
    return random.standard_normal((count, 3, 8, 8)).astype(np.float32), random.randint(0, 4, count)


def plain_net() -> nn.HybridSequential:
    """Without batch norm, whose statistics depend on how a batch is cut."""
    seed_everything(1)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, in_channels=3), QConv2D(6, 3, in_channels=4), nn.Flatten())
    net.add(QDense(8, in_units=96), nn.Dense(4, in_units=8))
    net.initialize(mx.init.Xavier())
    return net


def trained(batch_size: int, **arguments: Any) -> tuple[nn.HybridSequential, Engine]:
    net = plain_net()
    trainer = gluon.Trainer(parameters(net), "sgd", {"learning_rate": 0.1})
    data = Batches(*noise(), batch_size, shuffle=True, seed=7)
    rate = arguments.pop("rate", lambda update: 0.1)
    assembly = Assembly(net, trainer, Objective(net), data, Updates(2, **arguments), rate)
    engine = Engine(assembly)
    engine.run()
    return net, engine


def values(net: gluon.Block) -> list[np.ndarray]:
    return [parameter.data().asnumpy() for parameter in parameters(net)]


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


def test_the_average_follows_its_formula() -> None:
    net = plain_net()
    average = WeightAverage(net, 0.5)
    expected = values(net)
    random = np.random.RandomState(0)
    for update in range(1, 8):
        for parameter in parameters(net):
            parameter.set_data(mx.nd.array(random.standard_normal(parameter.shape)))
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = [decay * a + (1 - decay) * w for a, w in zip(expected, values(net))]
    raw = values(net)
    with average.applied([]):
        for found, wanted in zip(values(net), expected):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(values(net), raw):
        np.testing.assert_array_equal(found, wanted)


def test_statistics_are_those_of_the_images() -> None:
    seed_everything(2)
    net = build()
    net.initialize(mx.init.Xavier())
    images = mx.nd.array(noise()[0])
    before = values(net)
    measure_statistics(net, [images] * 60)
    mean = net[0](images).asnumpy().mean(axis=(0, 2, 3))
    np.testing.assert_allclose(net[1].running_mean.data().asnumpy(), mean, rtol=0.01, atol=1e-3)  # 0.9^60
    for parameter, value in zip(parameters(net), before):
        if parameter.grad_req != "null":
            np.testing.assert_array_equal(parameter.data().asnumpy(), value)


def test_mixup_mixes_images_and_losses() -> None:
    images, labels = (mx.nd.array(x) for x in noise(8))
    mixed = mixup(images, labels, 0.7, np.random.RandomState(4))
    assert 0.5 <= mixed.share < 1
    order = [
        next(
            j
            for j in range(8)
            if np.allclose(
                mixed.images[i].asnumpy(), (mixed.share * images[i] + (1 - mixed.share) * images[j]).asnumpy()
            )
        )
        for i in range(8)
    ]
    assert sorted(order) == list(range(8))
    np.testing.assert_array_equal(mixed.others.asnumpy(), labels.asnumpy()[order])
    net = plain_net()
    loss, logits = Objective(net)(mixed)
    log_p = logits.log_softmax().asnumpy()
    rows = np.arange(8)
    expected = -mixed.share * log_p[rows, labels.asnumpy().astype(int)]
    expected -= (1 - mixed.share) * log_p[rows, mixed.others.asnumpy().astype(int)]
    np.testing.assert_allclose(loss.asnumpy(), expected, rtol=1e-5)


class Explodes(gluon.HybridBlock):
    """Its output is infinite."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.exp(F.abs(x) * 1e6 + 1e6)


def test_the_first_block_that_is_not_finite_is_named() -> None:
    net = nn.HybridSequential()
    inner = nn.HybridSequential()
    inner.add(nn.Dense(4, in_units=3), Explodes(), nn.Dense(2, in_units=4))
    net.add(nn.Flatten(), inner)
    net.initialize()
    net.hybridize()
    images = np.ones((8, 3, 1, 1), np.float32)
    data = Batches(images, np.zeros(8, int), 4)
    trainer = gluon.Trainer(parameters(net), "sgd", {"learning_rate": 0.1})
    engine = Engine(Assembly(net, trainer, Objective(net), data, Updates(1)), name="stage")
    with pytest.raises(
        NonFiniteLossError, match=r"stage, epoch 1, step 1 of 2: .* come from 1\.1 \(Explodes\); lower"
    ):
        engine.run()


def test_a_parameter_or_the_data_may_be_to_blame() -> None:
    net = plain_net()
    images = mx.nd.array(noise(2)[0])
    assert diagnose(net, images).startswith("all values of the net are finite")
    with autograd.record():
        assert diagnose(net, images * np.inf).startswith("the images of this batch")
    net[4].bias.set_data(net[4].bias.data() * np.nan)
    assert diagnose(net, images).startswith("parameter '4.bias' is not finite")
