"""Optimizers against NumPy, latent weights, and the Trainer that keeps them together."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from bmx.gluon.optimizer import (
    Bop,
    RAdam,
    ShiftAdaMax,
    SplitOptimizer,
    clip_latent_weights,
    is_binary,
)
from bmx.gluon.schedule import Exponential
from tests.support.parameters import make_parameter, random

STEPS = 12  # RAdam's rectification starts at the sixth


def set_gradients(parameters, gradients):
    """Exactly these, by the way that training takes."""
    with autograd.record():
        loss = sum((p.data() * mx.nd.array(g)).sum() for p, g in zip(parameters, gradients))
    loss.backward()


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
