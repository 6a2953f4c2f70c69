"""PReLU and RPReLU against NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import library, nn


def run(layer, x, g, repeats=1):
    x.attach_grad("add" if repeats > 1 else "write")
    for _ in range(repeats):
        with mx.autograd.record():
            y = layer(x)
            loss = (y * g).sum()
        loss.backward()
    return y.asnumpy()


@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
@pytest.mark.parametrize("ndim", [2, 4])
def test_rprelu_shifts_bends_and_shifts(ndim, hybridized):
    rng = np.random.default_rng(37)
    shape = (6, 5, 3, 3)[:ndim]
    layer = nn.RPReLU(5, ndim=ndim)
    layer.initialize()
    if hybridized:
        layer.hybridize()
    before, slope, after = rng.normal(size=(3, 5)).astype(np.float32)
    for parameter, value in ((layer.before, before), (layer.slope, slope), (layer.after, after)):
        parameter.set_data(mx.nd.array(value))
        assert parameter.wd_mult == 0
    x, g = (mx.nd.array(rng.normal(size=shape)) for _ in range(2))
    y = run(layer, x, g)
    before, slope, after = (v.reshape((1, 5) + (1,) * (ndim - 2)) for v in (before, slope, after))
    shifted = x.asnumpy() + before
    np.testing.assert_allclose(y, np.where(shifted > 0, 1, slope) * shifted + after, rtol=1e-5, atol=1e-6)
    axes = (0, *range(2, ndim))
    dx = g.asnumpy() * np.where(shifted > 0, 1, slope)
    for found, expected in (
        (x.grad, dx),
        (layer.before.grad(), dx.sum(axes)),
        (layer.slope.grad(), (g.asnumpy() * shifted * (shifted <= 0)).sum(axes)),
        (layer.after.grad(), g.asnumpy().sum(axes)),
    ):
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_prelu_has_a_slope_for_each_channel_and_adds_gradients(hybridized):
    rng = np.random.default_rng(41)
    layer, net = nn.PReLU(5), float_nn.HybridSequential()
    # MXNet's own gradient of the slope is wrong in hybridized nets where something follows.
    net.add(layer, float_nn.HybridLambda(lambda _, x: 3 * x))
    net.initialize()
    if hybridized:
        net.hybridize()
    layer.alpha.grad_req = "add"
    assert layer.alpha.wd_mult == 0
    x, g = (mx.nd.array(rng.normal(size=(4, 5, 3, 3))) for _ in range(2))
    y = run(net, x, g, repeats=2)
    negative = x.asnumpy() <= 0
    np.testing.assert_allclose(y, 3 * np.where(negative, 0.25, 1) * x.asnumpy(), rtol=1e-6)
    expected = 2 * 3 * (g.asnumpy() * x.asnumpy() * negative).sum((0, 2, 3))
    np.testing.assert_allclose(layer.alpha.grad().asnumpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [nn.PReLU, nn.RPReLU])
def test_the_inference_lowering_gives_the_same(make):
    if not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built")
    layer = make(5)
    layer.initialize()
    x = mx.nd.array(np.random.default_rng(43).normal(size=(4, 5, 3, 3)))
    with nn.lowering("inference"):
        y = layer(x)
    np.testing.assert_array_equal(y.asnumpy(), layer(x).asnumpy())


@pytest.mark.parametrize("make", [nn.PReLU, nn.RPReLU])
def test_channels_must_be_known(make):
    with pytest.raises(ValueError, match="expected in_channels of at least 1, found 0"):
        make(0)
