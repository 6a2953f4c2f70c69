"""BinaryTrainer: several optimizers as one, on several devices, in state files."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from bmx.gluon.nn import QDense
from bmx.gluon.optimizer import (
    BinaryTrainer,
    Bop,
    is_binary,
)


def random(seed: int) -> np.random.RandomState:
    print(f"seed {seed}")
    return np.random.RandomState(seed)


def make_net(seed, contexts=None):
    mx.random.seed(seed)
    np.random.seed(seed)
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(6, in_units=5), QDense(6, in_units=6), gluon.nn.Dense(3, in_units=6))
    net.initialize(mx.init.Uniform(1), ctx=contexts)
    return net


def backward(net, x):
    """Of a loss that sums over samples."""
    with autograd.record():
        losses = [(net(part) ** 2).sum() for part in (x if isinstance(x, list) else [x])]
    autograd.backward(losses)


def values(net):
    return [p.data(p.list_ctx()[0]).asnumpy() for p in net.collect_params().values()]


def latent_weight(net):
    return values(net)[2]


def batches(seed, count=6, size=8):
    return mx.nd.array(random(seed).normal(size=(count, size, 5)))


@pytest.mark.parametrize(
    "default", [("sgd", {"learning_rate": 0.1, "momentum": 0.9}), ("adam", {}), ("lamb", {}), ("radam", {})]
)
def test_each_parameter_is_updated_by_its_own_optimizer(default):
    split, apart = make_net(5), make_net(5)
    bop = {"threshold": 1e-3, "gamma": 0.1}
    trainers = [BinaryTrainer(split.collect_params(), *default, split={is_binary: ("bop", bop)})]
    parameters = apart.collect_params().values()
    binary = [p for p in parameters if is_binary(p)]
    rest = [p for p in parameters if not is_binary(p)]
    assert len(binary) == 1
    others = [gluon.Trainer(binary, "bop", bop), gluon.Trainer(rest, *default)]
    start = latent_weight(split)
    for x in batches(5):
        for net, its_trainers in ((split, trainers), (apart, others)):
            backward(net, x)
            for trainer in its_trainers:
                trainer.step(8)
        for ours, theirs in zip(values(split), values(apart)):
            # Updates of several weights at once are rounded otherwise.
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
    assert set(latent_weight(split).ravel()) == {-1.0, 1.0}
    assert (np.sign(start) != latent_weight(split)).any()


@pytest.mark.parametrize(("limit", "center"), [(1.0, False), (0.25, True), (None, True), (None, False)])
def test_latent_weights_are_bounded_after_each_step(limit, center):
    bounded, plain = make_net(6), make_net(6)
    arguments = ("sgd", {"learning_rate": 2.0})
    trainer = BinaryTrainer(bounded.collect_params(), *arguments, limit=limit, center=center)
    reference = gluon.Trainer(plain.collect_params(), *arguments)
    moved = False
    for x in batches(6):
        for net, its_trainer in ((bounded, trainer), (plain, reference)):
            backward(net, x)
            its_trainer.step(8)
        expected = values(plain)
        before = expected[2]
        if center:
            expected[2] = expected[2] - expected[2].mean(1, keepdims=True)
        if limit is not None:
            expected[2] = np.clip(expected[2], -limit, limit)
        moved = moved or not np.array_equal(before, expected[2])
        for ours, theirs in zip(values(bounded), expected):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        for p, value in zip(plain.collect_params().values(), values(bounded)):
            p.set_data(mx.nd.array(value))
    assert moved == (limit is not None or center)


@pytest.mark.parametrize("update_on_kvstore", [True, False])
def test_two_devices_train_as_one(update_on_kvstore):
    contexts = [mx.cpu(0), mx.cpu(1)]
    two, one = make_net(7, contexts), make_net(7)
    arguments = {"split": {is_binary: ("adam", {"learning_rate": 0.5})}, "limit": 0.5, "center": True}
    trainers = {
        two: BinaryTrainer(
            two.collect_params(),
            "sgd",
            {"learning_rate": 0.1},
            "device",
            None,
            update_on_kvstore,
            **arguments,
        ),
        one: BinaryTrainer(one.collect_params(), "sgd", {"learning_rate": 0.1}, **arguments),
    }
    for x in batches(7):
        backward(one, x)
        backward(two, gluon.utils.split_and_load(x, contexts))
        for trainer in trainers.values():
            trainer.step(8)
        for ours, theirs in zip(values(two), values(one)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert np.abs(latent_weight(two)).max() == 0.5


def test_gradients_may_add_up_over_passes():
    whole, parts = make_net(8), make_net(8)
    parts.collect_params().setattr("grad_req", "add")
    arguments = {"split": {is_binary: ("bop", {"threshold": 1e-3, "gamma": 0.1})}}
    trainers = {net: BinaryTrainer(net.collect_params(), "adam", **arguments) for net in (whole, parts)}
    for x in batches(8):
        backward(whole, x)
        backward(parts, x[:4])
        backward(parts, x[4:])
        for trainer in trainers.values():
            trainer.step(8)
        parts.collect_params().zero_grad()
        for ours, theirs in zip(values(parts), values(whole)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"split": {is_binary: ("bop", {"threshold": 1e-2, "gamma": 0.1})}},
        {"limit": 1.0, "center": False},
    ],
)
def test_a_binary_layer_learns_the_signs_that_made_its_targets(arguments):
    rng = random(15)
    signs = rng.choice([-1.0, 1.0], size=(4, 16))
    layer = QDense(4, in_units=16, use_bias=False)
    np.random.seed(15)
    layer.initialize(mx.init.Uniform(1))
    trainer = BinaryTrainer(layer.collect_params(), "adam", {"learning_rate": 0.05}, **arguments)
    for _ in range(100):
        x = rng.choice([-1.0, 1.0], size=(32, 16))
        with autograd.record():
            loss = (layer(mx.nd.array(x)) - mx.nd.array(x @ signs.T)) ** 2
        loss.backward()
        trainer.step(32)
    np.testing.assert_array_equal(np.where(layer.weight.data().asnumpy() < 0, -1, 1), signs)


def make_trainer(net):
    split = {
        is_binary: ("bop", {"threshold": 1e-3, "gamma": 0.1}),
        lambda p: p.name.endswith("bias"): ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    }
    return BinaryTrainer(net.collect_params(), "radam", {"learning_rate": 0.01}, split=split)


def test_the_trainers_states_go_on_after_save_and_load(tmp_path):
    net = make_net(9)
    trainer = make_trainer(net)
    data = batches(9, count=10)
    for x in data[:5]:
        backward(net, x)
        trainer.step(8)
    trainer.set_learning_rate(0.02)
    trainer.save_states(str(tmp_path / "states"))
    resumed = make_net(9)
    for p, value in zip(resumed.collect_params().values(), values(net)):
        p.set_data(mx.nd.array(value))
    other = make_trainer(resumed)
    other.load_states(str(tmp_path / "states"))
    assert other.learning_rate == 0.02
    assert [type(o).__name__ for o in other.optimizers] == ["RAdam", "Bop", "SGD"]
    for x in data[5:]:
        for each, its_trainer in ((net, trainer), (resumed, other)):
            backward(each, x)
            its_trainer.step(8)
        for ours, theirs in zip(values(resumed), values(net)):
            np.testing.assert_array_equal(ours, theirs)
    other.save_states(str(tmp_path / "states"))
    make_trainer(resumed).load_states(str(tmp_path / "states"))


def test_states_of_another_kind_are_refused_and_nothing_is_loaded(tmp_path):
    net = make_net(10)
    trainer = make_trainer(net)
    plain = gluon.Trainer(net.collect_params(), "radam")
    plain.save_states(str(tmp_path / "plain"))
    BinaryTrainer(net.collect_params(), "radam").save_states(str(tmp_path / "one"))
    optimizers = trainer.optimizers
    with pytest.raises(ValueError, match=r"expected states of RAdam for 2 .* found RAdam; make the Trainer"):
        trainer.load_states(str(tmp_path / "plain"))
    with pytest.raises(ValueError, match=r"SGD for 3 parameters in .*, found RAdam for 6 parameters;"):
        trainer.load_states(str(tmp_path / "one"))
    assert trainer.optimizers is optimizers


def test_learning_rates_keep_their_ratio():
    trainer = make_trainer(make_net(11))
    assert [o.learning_rate for o in trainer.optimizers[::2]] == [0.01, 0.1]
    for lr in (0.0, 0.05):
        trainer.set_learning_rate(lr)
        assert trainer.learning_rate == lr
        assert [o.learning_rate for o in trainer.optimizers[::2]] == pytest.approx([lr, 10 * lr])


def test_schedulers_are_followed_and_not_overwritten():
    net = make_net(12)
    scheduler = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=1.0)
    adam = mx.optimizer.Adam(learning_rate=1.0, lr_scheduler=scheduler)
    trainer = BinaryTrainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, split={is_binary: adam})
    for x in batches(12, count=3):
        backward(net, x)
        trainer.step(8)
    trainer.set_learning_rate(0.2)
    assert trainer.optimizers == [trainer.optimizers[0], adam]
    assert adam.learning_rate == 0.25
    assert trainer.optimizer.num_update == 3
    scheduled = BinaryTrainer(net.collect_params(), "sgd", {"lr_scheduler": scheduler})
    with pytest.raises(UserWarning, match="LRScheduler"):
        scheduled.set_learning_rate(0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": {"weight": "bop"}}, "expected functions of a Parameter as keys of split"),
        ({"split": {is_binary: 3}}, "expected an optimizer as its name"),
        ({"split": {is_binary: (Bop(), {"gamma": 1})}}, "an Optimizer without arguments"),
        ({"split": {is_binary: "bop", lambda p: is_binary(p): "sgd"}}, "found none of 6 .* number 2, SGD"),
        ({"kvstore": "dist_async"}, "found kvstore='dist_async' and update_on_kvstore=None"),
        ({"kvstore": "dist_sync", "update_on_kvstore": True}, "Give 'dist_sync' and None"),
        ({"limit": -1.0}, "expected limit > 0 or None, found -1.0"),
    ],
)
def test_the_trainers_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        BinaryTrainer(make_net(14).collect_params(), "adam", **arguments)
