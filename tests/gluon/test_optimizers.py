"""Optimizers against NumPy, latent weights, and the Trainer that keeps them together."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.optimizer import (
    BinaryTrainer,
    Bop,
    RAdam,
    ShiftAdaMax,
    SplitOptimizer,
    center_latent_weights,
    clip_latent_weights,
    glorot_scales,
    is_binary,
    nearest_power_of_two,
    scale_learning_rates,
)
from bmx.gluon.schedule import Exponential

STEPS = 12  # RAdam's rectification starts at the sixth


def random(seed: int) -> np.random.RandomState:
    print(f"seed {seed}")
    return np.random.RandomState(seed)


def make_parameter(value, name="weight", binary=False):
    parameter = gluon.Parameter(name, shape=value.shape, init=mx.init.Constant(0))
    parameter.initialize()
    parameter.set_data(mx.nd.array(value))
    parameter.binary = binary
    return parameter


def set_gradients(parameters, gradients):
    """Exactly these, by the way that training takes."""
    with autograd.record():
        loss = sum((p.data() * mx.nd.array(g)).sum() for p, g in zip(parameters, gradients))
    loss.backward()


# Plain loops over one number each, in double precision.


class BopOfNumber:
    def __init__(self, threshold, gamma):
        self.threshold, self.gamma, self.m, self.updates = threshold, gamma, 0.0, 0

    def __call__(self, w, g):
        w = -1.0 if w < 0 else 1.0
        gamma = self.gamma(self.updates) if callable(self.gamma) else self.gamma
        self.updates += 1
        self.m = (1 - gamma) * self.m + gamma * g
        flips = abs(self.m) > self.threshold and (self.m > 0) == (w > 0)
        return -w if flips else w


class RAdamOfNumber:
    def __init__(self, lr, beta1=0.95, beta2=0.999, eps=1e-5, threshold=5):
        self.arguments = lr, beta1, beta2, eps, threshold
        self.m = self.v = 0.0
        self.t = 0

    def __call__(self, w, g):
        lr, beta1, beta2, eps, threshold = self.arguments
        self.t += 1
        t = self.t
        self.m += (1 - beta1) * (g - self.m)
        self.v += (1 - beta2) * (g**2 - self.v)
        m_hat = self.m / (1 - beta1**t)
        rho_inf = (1 + beta2) / (1 - beta2)
        rho = rho_inf - 2 * t / (beta2**-t - 1)
        if rho <= threshold:
            return w - lr * m_hat
        rectification = ((rho - 4) / (rho_inf - 4)) * ((rho - 2) / (rho_inf - 2)) * (rho_inf / rho)
        return w - lr * math.sqrt(rectification * (1 - beta2**t)) * m_hat / (math.sqrt(self.v) + eps)


def ap2(x):
    if x == 0:
        return 0.0
    exponent = math.log2(abs(x))
    low = math.floor(exponent)
    return math.copysign(2.0 ** (low if exponent - low < 0.5 else low + 1), x)


class ShiftAdaMaxOfNumber:
    def __init__(self, lr, beta1=0.9, beta2=0.999, scale=1.0):
        self.arguments = lr, beta1, beta2, scale
        self.m = self.v = 0.0
        self.t = 0

    def __call__(self, w, g):
        lr, beta1, beta2, scale = self.arguments
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = ap2(max(beta2 * self.v, abs(g))) + 2.0**-27
        return w - ap2(lr / (1 - beta1**self.t)) * self.m / self.v * scale


CASES = [
    ("bop", {"threshold": 0.02, "gamma": 0.1}, lambda: BopOfNumber(0.02, 0.1)),
    (
        "bop",
        {"threshold": 0.0, "gamma": Exponential(0.5, 0.01, 8)},
        lambda: BopOfNumber(0.0, lambda t: 0.5 * 0.02 ** (min(t, 8) / 8)),
    ),
    ("radam", {"learning_rate": 0.01}, lambda: RAdamOfNumber(0.01)),
    (
        "radam",
        {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.1, "threshold": 4},
        lambda: RAdamOfNumber(0.1, 0.5, 0.9, 0.1, 4),
    ),
    ("shift_adamax", {"learning_rate": 2.0**-6}, lambda: ShiftAdaMaxOfNumber(2.0**-6)),
    (
        "shiftadamax",
        {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.5},
        lambda: ShiftAdaMaxOfNumber(0.01, 0.8, 0.5),
    ),
]
NAMES = ["bop", "radam", "shift_adamax"]


@pytest.mark.parametrize(("name", "arguments", "make"), CASES)
def test_updates_are_those_of_plain_loops(name, arguments, make):
    rng = random(0)
    start = rng.normal(size=(3, 5)).astype(np.float32)
    parameter = make_parameter(start)
    trainer = gluon.Trainer([parameter], name, arguments)
    numbers = [make() for _ in range(start.size)]
    expected = start.astype(np.float64).ravel()
    flipped = 0
    for _ in range(STEPS):
        g = (rng.normal(size=start.shape) * 10.0 ** rng.randint(-3, 2, start.shape)).astype(np.float32)
        set_gradients([parameter], [g])
        trainer.step(4)
        before = expected
        expected = np.array([f(w, x / 4) for f, w, x in zip(numbers, expected, g.ravel())])
        flipped += np.sum(np.sign(before) != np.sign(expected))
        np.testing.assert_allclose(parameter.data().asnumpy().ravel(), expected, rtol=3e-5, atol=1e-6)
    assert name != "bop" or flipped > 10


@pytest.mark.parametrize(
    ("name", "make"),
    [("radam", lambda: RAdamOfNumber(0.01)), ("shift_adamax", lambda: ShiftAdaMaxOfNumber(0.01))],
)
def test_weight_decay_and_clipped_gradients(name, make):
    rng = random(1)
    start = rng.normal(size=8).astype(np.float32)
    parameter = make_parameter(start)
    trainer = gluon.Trainer([parameter], name, {"learning_rate": 0.01, "wd": 0.1, "clip_gradient": 0.2})
    numbers = [make() for _ in start]
    expected = start.astype(np.float64)
    for _ in range(STEPS):
        g = rng.normal(size=8).astype(np.float32)
        set_gradients([parameter], [g])
        trainer.step(2)
        g = np.clip(g / 2 + 0.1 * expected, -0.2, 0.2)
        expected = np.array([f(w, x) for f, w, x in zip(numbers, expected, g)])
        np.testing.assert_allclose(parameter.data().asnumpy(), expected, rtol=3e-5, atol=1e-6)


def test_bop_starts_from_signs_and_ignores_nan():
    parameter = make_parameter(np.array([0.5, -0.5, 0.0, -0.0, 3.0], dtype=np.float32))
    trainer = gluon.Trainer([parameter], "bop", {"threshold": 0.1, "gamma": 1.0})
    #               at the threshold, opposite sign, above it, none, NaN
    set_gradients([parameter], [[0.1, 0.2, 0.2, 0.0, np.nan]])
    trainer.step(1)
    np.testing.assert_array_equal(parameter.data().asnumpy(), [1, -1, -1, 1, 1])


def test_shift_adamax_leaves_a_weight_without_gradients():
    parameter = make_parameter(np.array([0.5, -0.5], dtype=np.float32))
    trainer = gluon.Trainer([parameter], "shift_adamax", {"learning_rate": 1.0})
    set_gradients([parameter], [[0.0, 1.0]])
    trainer.step(1)
    # The step is AP2(1 / (1 - 0.9)) = 8, m = 0.1 and v = 1.
    np.testing.assert_allclose(parameter.data().asnumpy(), [0.5, -1.3], rtol=1e-6)


def test_shift_adamax_multiplies_with_the_parameters_lr_mult_after_rounding():
    rng = random(2)
    start = rng.normal(size=4).astype(np.float32)
    parameter = make_parameter(start)
    parameter.lr_mult = 3.0
    trainer = gluon.Trainer([parameter], "shift_adamax", {"learning_rate": 0.01})
    numbers = [ShiftAdaMaxOfNumber(0.01, scale=3.0) for _ in start]
    expected = start
    for step in range(STEPS):
        g = rng.normal(size=4).astype(np.float32)
        set_gradients([parameter], [g])
        trainer.set_learning_rate(0 if step == 5 else 0.01)
        trainer.step(1)
        moved = [f(w, x) for f, w, x in zip(numbers, expected, g)]
        expected = expected if step == 5 else moved
        np.testing.assert_allclose(parameter.data().asnumpy(), expected, rtol=3e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_states_go_on_after_save_and_load(name, tmp_path):
    rng = random(3)
    start = rng.normal(size=(4, 3)).astype(np.float32)
    gradients = rng.normal(size=(10, 4, 3)).astype(np.float32)
    arguments = {"threshold": 0.01, "gamma": 0.2} if name == "bop" else {"learning_rate": 0.05}
    whole = make_parameter(start)
    trainer = gluon.Trainer([whole], name, arguments)
    for step, g in enumerate(gradients):
        if step == 5:
            trainer.save_states(str(tmp_path / "states"))
            resumed = make_parameter(whole.data().asnumpy())
            other = gluon.Trainer([resumed], name)
            other.load_states(str(tmp_path / "states"))
        set_gradients([whole], [g])
        trainer.step(1)
        if step >= 5:
            set_gradients([resumed], [g])
            other.step(1)
    np.testing.assert_array_equal(resumed.data().asnumpy(), whole.data().asnumpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bop(threshold=-1), "expected threshold >= 0, found -1"),
        (lambda: Bop(threshold=math.nan), "expected threshold >= 0, found nan"),
        (lambda: Bop(gamma=0), "expected gamma above 0 and at most 1, found 0"),
        (lambda: Bop(wd=0.1), "expected wd 0"),
        (lambda: RAdam(beta1=1.0), "expected beta1 at least 0 and below 1"),
        (lambda: RAdam(beta2=0.5), "expected beta2 at least 0.6"),
        (lambda: RAdam(epsilon=0), "expected epsilon > 0"),
        (lambda: RAdam(threshold=3), "expected threshold >= 4"),
        (lambda: ShiftAdaMax(beta1=-0.1), "expected beta1 at least 0"),
        (lambda: ShiftAdaMax(beta2=1.0), "expected beta2 at least 0 and below 1"),
        (lambda: ShiftAdaMax(epsilon=0), "expected epsilon > 0"),
        (lambda: clip_latent_weights([], 0), "expected limit > 0, found 0"),
        (lambda: SplitOptimizer(Bop(), limit=0), "expected limit > 0 or None, found 0"),
        (lambda: SplitOptimizer(RAdam(learning_rate=0), [(is_binary, Bop())]), "keep their ratio to it"),
    ],
)
def test_values_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Powers of two


def test_nearest_power_of_two():
    numbers = [0.0, 1.0, -1.0, 3.0, -3.0, 2.8, 2.9, 0.7, 0.71, 1e-30, 2.0**-100, 2.0**100, math.inf]
    expected = [0, 1, -1, 4, -4, 2, 4, 0.5, 1, 2.0**-100, 2.0**-100, 2.0**100, math.inf]
    np.testing.assert_array_equal(nearest_power_of_two(mx.nd.array(numbers)).asnumpy(), expected)
    np.testing.assert_array_equal([nearest_power_of_two(x) for x in numbers[:-1]], expected[:-1])


def test_powers_of_two_are_exact():
    powers = np.float32(2) ** np.arange(-126, 128)
    np.testing.assert_array_equal(nearest_power_of_two(mx.nd.array(powers)).asnumpy(), powers)
    assert [nearest_power_of_two(2.0**n) for n in range(-1000, 1000)] == [2.0**n for n in range(-1000, 1000)]


# Latent weights


def test_latent_weights_are_clipped_and_centered_and_others_stay():
    rng = random(4)
    value = rng.normal(size=(4, 3, 2, 2), scale=2).astype(np.float32)
    latent, real = make_parameter(value, "latent", binary=True), make_parameter(value, "real")
    center_latent_weights({"a": latent, "b": real})
    np.testing.assert_allclose(
        latent.data().asnumpy(), value - value.mean(1, keepdims=True), rtol=1e-5, atol=1e-6
    )
    clip_latent_weights([latent, real], 0.5)
    centered = np.clip(value - value.mean(1, keepdims=True), -0.5, 0.5)
    np.testing.assert_allclose(latent.data().asnumpy(), centered, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(real.data().asnumpy(), value)


def test_binary_layers_mark_their_latent_weights():
    layers = QConv2D(4, 3, in_channels=2), QDense(4, in_units=2), gluon.nn.Dense(4, in_units=2)
    marked = [[is_binary(p) for p in (layer.weight, layer.bias)] for layer in layers]
    assert marked == [[True, False], [True, False], [False, False]]


def test_glorot_scales():
    dense = make_parameter(np.zeros((4, 7), np.float32), "dense", binary=True)
    convolution = make_parameter(np.zeros((8, 4, 3, 3), np.float32), "convolution", binary=True)
    real = make_parameter(np.zeros((5, 7), np.float32), "real")
    scales = glorot_scales([dense, convolution, real])
    assert scales == {
        "dense": pytest.approx(1 / math.sqrt(1.5 / 11)),
        "convolution": pytest.approx(1 / math.sqrt(1.5 / (4 * 9 + 8 * 9))),
    }
    assert glorot_scales([dense, convolution], power_of_two=True) == {"dense": 2, "convolution": 8}
    scale_learning_rates([dense, convolution, real], power_of_two=True)
    assert (dense.lr_mult, convolution.lr_mult, real.lr_mult) == (2, 8, 1)


def test_glorot_scales_need_shapes():
    with pytest.raises(ValueError, match=r"expected a shape \[outputs, inputs, ...\] of .*, found \(4, 0\)"):
        glorot_scales([QDense(4).weight])


# The Trainer


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
