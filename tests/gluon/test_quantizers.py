"""Sign and its straight-through gradient; the registry of quantizers."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn
from bmx.gluon.nn import quantizers

TINY = float(np.nextafter(np.float32(0), np.float32(1)))
HUGE = float(np.finfo(np.float32).max)
ABOVE_ONE = float(np.nextafter(np.float32(1), np.float32(2)))
#            value, sign
EDGES = [
    (0.0, 1),
    (-0.0, 1),
    (TINY, 1),
    (-TINY, -1),
    (1.0, 1),
    (-1.0, -1),
    (ABOVE_ONE, 1),
    (-ABOVE_ONE, -1),
    (HUGE, 1),
    (-HUGE, -1),
    (np.inf, 1),
    (-np.inf, -1),
    (np.nan, 1),
    (-np.nan, 1),
]


def quantize(layer, x, lowering):
    data = mx.nd.array(x, dtype=np.float32)
    data.attach_grad()
    with nn.lowering(lowering), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.arange(1, len(x) + 1))
    return y.asnumpy(), data.grad.asnumpy()


@pytest.mark.parametrize("clip", [0.0, 0.5, 1.0, 2.0, None])
def test_sign_and_its_gradient_at_the_edges(clip, lowered):
    x = np.array([value for value, _ in EDGES], dtype=np.float32)
    y, gradient = quantize(nn.QActivation(clip=clip), x, lowered)
    np.testing.assert_array_equal(y, [s for _, s in EDGES])
    passes = np.abs(x) <= clip if clip is not None else np.isfinite(x)
    np.testing.assert_array_equal(gradient, np.arange(1, len(x) + 1) * passes)


def test_sign_is_exact_and_its_gradient_masked(lowered):
    x = np.random.RandomState(0).normal(size=10_000, scale=100.0).astype(np.float32)
    y, gradient = quantize(nn.QActivation(nn.DetSign(clip=50.0)), x, lowered)
    np.testing.assert_array_equal(y, np.where(x < 0, -1, 1))
    np.testing.assert_array_equal(gradient, np.arange(1, len(x) + 1) * (np.abs(x) <= 50))


@pytest.mark.parametrize("name", nn.list_quantizers())
def test_every_registered_quantizer_is_binary_and_has_a_gradient(name, lowered):
    x = np.random.RandomState(1).uniform(-0.9, 0.9, size=1000).astype(np.float32)
    y, gradient = quantize(nn.QActivation(name), x, lowered)
    np.testing.assert_array_equal(y, np.where(x < 0, -1, 1))
    assert np.isfinite(gradient).all()
    assert gradient.any()


def test_names_and_instances():
    assert isinstance(nn.get_quantizer("ste_sign"), nn.DetSign)
    quantizer = nn.DetSign(clip=0.25)
    assert nn.get_quantizer(quantizer) is quantizer
    assert repr(quantizer) == "DetSign(clip=0.25)"
    with pytest.raises(ValueError, match="did you mean 'det_sign'"):
        nn.get_quantizer("det_sing")
    with pytest.raises(ValueError, match="expected clip >= 0"):
        nn.DetSign(clip=-1.0)


def test_a_new_quantizer_is_one_class(monkeypatch, lowered):
    """The C++ operators do not know it, so its operator lowering quantizes in front of them."""
    monkeypatch.setattr(quantizers, "_registry", dict(quantizers._registry))

    @nn.register("scaled_gradient_sign")
    class ScaledGradientSign(nn.Quantizer):
        def __call__(self, F, x):  # noqa: N803
            return F.BlockGrad(1 - 2 * (x < 0)) + (3 * x - F.BlockGrad(3 * x))

    layer = nn.QDense(
        4,
        use_bias=False,
        in_units=40,
        input_quantizer="scaled_gradient_sign",
        weight_quantizer="scaled_gradient_sign",
    )
    layer.initialize(mx.init.Normal(1))
    random = np.random.RandomState(2)
    x, dy = random.normal(size=(3, 40)).astype(np.float32), random.randint(-4, 5, (3, 4))
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(dy))
    x_sign, w_sign = (np.where(v < 0, -1, 1) for v in (x, layer.weight.data().asnumpy()))
    np.testing.assert_array_equal(y.asnumpy(), x_sign @ w_sign.T)
    np.testing.assert_array_equal(data.grad.asnumpy(), 3 * dy @ w_sign)
    np.testing.assert_array_equal(layer.weight.grad().asnumpy(), 3 * dy.T @ x_sign)
