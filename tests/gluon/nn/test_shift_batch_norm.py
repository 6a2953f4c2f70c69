"""Shift-based batch norm against the papers' formulas in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn
from bmx.gluon.nn.shift_batch_norm import power_of_two

MODES = {"imperative": None, "hybrid": {}, "static": {"static_alloc": True, "static_shape": True}}
modes = pytest.mark.parametrize("mode", MODES)


def ap2(z):
    """sign(z) * 2^round(log2 |z|), 0 for 0."""
    magnitude = np.where(z == 0, 1, np.abs(z))
    return np.sign(z) * 2.0 ** np.floor(np.log2(magnitude) + 0.5)


class Shift:
    """The formulas of the authors' Torch code, in float64."""

    def __init__(self, x, gamma, beta, epsilon=1e-5):
        self.axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        self.x, self.gamma, self.beta = x.astype(np.float64), self.spread(x, gamma), self.spread(x, beta)
        self.mean = self.average(self.x)
        self.centered = self.x - self.mean
        self.inverse = (self.average(self.centered * ap2(self.centered)) + epsilon) ** -0.5

    def spread(self, x, values):
        return np.asarray(values, np.float64).reshape((1, -1) + (1,) * (x.ndim - 2))

    def average(self, x):
        return x.mean(self.axes, keepdims=True)

    def forward(self):
        return ap2(self.gamma) * ap2(self.inverse) * self.centered + self.beta

    def backward(self, g):
        step, powers = ap2(self.inverse), ap2(self.centered)
        lost = self.average(g) + powers * step**2 * self.average(powers * g)
        dx = ap2(self.gamma) * step * (g - lost)
        return dx, (g * ap2(self.centered * step)).sum(self.axes), g.sum(self.axes)


def shift_norm(shape, mode, **arguments):
    net = nn.ShiftBatchNorm(ndim=len(shape), **arguments)
    net.initialize()
    if MODES[mode] is not None:
        net.hybridize(**MODES[mode])
    rng = np.random.default_rng(3)
    x = mx.nd.array(rng.normal(1.5, 3, shape) * rng.uniform(0.1, 5, (1, shape[1]) + (1,) * (len(shape) - 2)))
    net(x)
    net.gamma.set_data(mx.nd.array([1.3, -0.7, 0, 2.9]))
    net.beta.set_data(mx.nd.array([1, 2, -3, 4]))
    x.attach_grad()
    return net, x, mx.nd.array(rng.normal(size=shape))


def close(found, expected, tolerance=2e-6):
    found = found.asnumpy() if hasattr(found, "asnumpy") else found
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@modes
@pytest.mark.parametrize("shape", [(8, 4, 5, 5), (50, 4)], ids=str)
def test_shift_batch_norm_trains_by_the_papers_formulas(shape, mode):
    net, x, g = shift_norm(shape, mode)
    expected = Shift(x.asnumpy(), net.gamma.data().asnumpy(), net.beta.data().asnumpy())
    for step in (1, 2):
        with mx.autograd.record():
            y = net(x)
            loss = (y * g).sum()
        loss.backward()
        mx.nd.waitall()
        close(y, expected.forward())
        kept = 0.875**step
        close(net.running_mean.data(), (1 - kept) * expected.mean.ravel())
        close(net.running_inv_std.data(), kept + (1 - kept) * expected.inverse.ravel())
    for found, wanted in zip((x.grad, net.gamma.grad(), net.beta.grad()), expected.backward(g.asnumpy())):
        close(found, wanted)


@modes
def test_shift_batch_norm_adds_its_gradients_to_others(mode):
    net, x, g = shift_norm((8, 4, 5, 5), mode)
    expected = Shift(x.asnumpy(), net.gamma.data().asnumpy(), net.beta.data().asnumpy())
    for parameter in (net.gamma, net.beta):
        parameter.grad_req = "add"
    x.attach_grad("add")
    net.collect_params().zero_grad()
    for _ in range(2):
        with mx.autograd.record():
            loss = (net(x) * g).sum()
        loss.backward()
        mx.nd.waitall()
    for found, wanted in zip((x.grad, net.gamma.grad(), net.beta.grad()), expected.backward(g.asnumpy())):
        close(found, 2 * wanted)


@modes
def test_shift_batch_norm_infers_with_running_statistics(mode):
    net, x, g = shift_norm((8, 4, 5, 5), mode)
    with mx.autograd.record():
        loss = net(x).sum()
    loss.backward()
    mx.nd.waitall()
    mean, inverse, gamma, beta = (
        p.data().asnumpy().reshape(1, 4, 1, 1)
        for p in (net.running_mean, net.running_inv_std, net.gamma, net.beta)
    )
    factor = ap2(gamma) * ap2(inverse)
    close(net(x), factor * (x.asnumpy() - mean) + beta)
    with mx.autograd.record(train_mode=False):
        loss = (net(x) * g).sum()
    loss.backward()
    mx.nd.waitall()
    close(x.grad, factor * g.asnumpy())
    if MODES[mode] is None:
        with nn.lowering("inference"):
            np.testing.assert_array_equal(net(x).asnumpy(), factor * (x.asnumpy() - mean) + beta)


@modes
def test_running_statistics_move_where_nothing_is_trained(mode):
    net = nn.ShiftBatchNorm(center=False, scale=False, in_channels=4)
    net.initialize()
    if MODES[mode] is not None:
        net.hybridize(**MODES[mode])
    x = mx.nd.random.normal(2, 3, shape=(8, 4, 5, 5))
    x.attach_grad()
    with mx.autograd.record():
        loss = net(x).sum()
    loss.backward()
    mx.nd.waitall()
    close(net.running_mean.data(), 0.125 * x.asnumpy().mean((0, 2, 3)))
    np.testing.assert_array_equal(net.gamma.data().asnumpy(), 1)


def test_powers_of_two_stay_themselves_and_zero_is_zero():
    exponents = np.arange(-100, 101)
    powers = np.concatenate([2.0**exponents, -(2.0**exponents), [0.0]]).astype(np.float32)
    found = power_of_two(mx.nd, mx.nd.array(powers)).asnumpy()
    np.testing.assert_array_equal(found, powers)
    odd = np.array([0.7, 0.72, 1.41, 1.42, -3, -2.8, 1e-3], np.float32)
    found = power_of_two(mx.nd, mx.nd.array(odd)).asnumpy()
    np.testing.assert_array_equal(found, [0.5, 1, 1, 2, -4, -2, 2.0**-10])
