"""The loop learns, repeats itself, measures honestly and stops at a loss that is not finite."""

from __future__ import annotations

import numpy as np
import pytest
from mxnet.gluon import nn

from bmx.training import Batches, NonFiniteLossError, accuracy, fit, predict, seed_everything


def blobs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three well-separated clouds in 4 dimensions, as images (count, 4, 1, 1)."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 3, count)
    centers = np.array([[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]], dtype=np.float32)
    points = centers[labels] + 0.5 * rng.standard_normal((count, 4))
    return points.reshape(count, 4, 1, 1).astype(np.float32), labels


def make_net(seed: int = 0) -> nn.HybridSequential:
    seed_everything(seed)
    net = nn.HybridSequential()
    net.add(nn.Dense(16, activation="relu"), nn.Dense(3))
    net.initialize()
    return net


def train(seed: int = 0) -> tuple[nn.HybridSequential, list, list]:
    net, lines = make_net(seed), []
    images, labels = blobs(300)
    held_out = Batches(*blobs(100, seed=1), 32)
    results = fit(
        net,
        Batches(images, labels, 16, shuffle=True, seed=seed),
        held_out,
        epochs=4,
        learning_rate=1e-2,
        log=lines.append,
    )
    return net, results, lines


def test_it_learns_and_reports_each_epoch() -> None:
    net, results, lines = train()
    assert [result.epoch for result in results] == [1, 2, 3, 4]
    assert results[-1].loss < 0.5 * results[0].loss
    assert results[-1].accuracy > 0.95
    assert len(lines) == 4
    assert f"{100 * results[-1].accuracy:.2f} %" in lines[-1]

    images, labels = blobs(100, seed=1)
    weights = [parameter.data().asnumpy() for parameter in net.collect_params().values()]
    hidden = np.maximum(images.reshape(100, 4) @ weights[0].T + weights[1], 0)
    expected = (hidden @ weights[2].T + weights[3]).argmax(axis=1)
    data = Batches(images, labels, 32)
    np.testing.assert_array_equal(predict(net, data), expected)
    assert accuracy(net, data) == results[-1].accuracy == pytest.approx((expected == labels).mean())


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second, other = (train(seed)[0] for seed in (0, 0, 1))

    def flat(net: nn.HybridSequential) -> np.ndarray:
        return np.concatenate([p.data().asnumpy().ravel() for p in net.collect_params().values()])

    np.testing.assert_array_equal(flat(first), flat(second))
    assert (flat(first) != flat(other)).any()


def test_the_learning_rate_falls_along_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    from mxnet import gluon

    rates = []
    step = gluon.Trainer.step

    def spy(self: gluon.Trainer, batch_size: int) -> None:
        step(self, batch_size)
        rates.append(self.learning_rate)

    monkeypatch.setattr(gluon.Trainer, "step", spy)
    images, labels = blobs(32)
    fit(make_net(), Batches(images, labels, 8), Batches(images, labels, 32), 2, learning_rate=0.1, log=str)
    updates = np.arange(8)
    np.testing.assert_allclose(rates, 0.05 * (1 + np.cos(np.pi * updates / 8)), atol=1e-9)


def test_a_loss_that_is_not_finite_stops_at_its_step() -> None:
    images, labels = blobs(64)
    images[40, 0] = np.inf
    data = Batches(images, labels, 16)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, step 3 of 4: the loss is nan: the images of"):
        fit(make_net(), data, data, epochs=1, log=str)


def test_loss_trainer_and_schedules_can_be_others() -> None:
    from mxnet import gluon

    made, told = [], []

    def make_trainer(*arguments: object) -> gluon.Trainer:
        made.append(arguments[1])
        return gluon.Trainer(*arguments)

    images, labels = blobs(32)
    (first, _), *_ = (
        fit(
            make_net(),
            Batches(images, labels, 8),
            Batches(images, labels, 32),
            2,
            optimizer="sgd",
            criterion=criterion,
            make_trainer=make_trainer,
            before_step=told.append,
            log=str,
        )
        for criterion in (
            gluon.loss.SoftmaxCrossEntropyLoss(weight=2.0),
            gluon.loss.SoftmaxCrossEntropyLoss(),
        )
    )
    assert made == ["sgd", "sgd"]
    np.testing.assert_allclose(told, 2 * [step / 8 for step in range(8)])
    plain = fit(
        make_net(), Batches(images, labels, 8), Batches(images, labels, 32), 2, optimizer="sgd", log=str
    )
    assert first.loss == pytest.approx(2 * plain[0].loss, rel=0.2)
