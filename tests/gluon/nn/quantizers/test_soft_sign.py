"""Signs that are noisy or soft while training, and signs at inference."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn

X = np.array(
    [0.0, -0.0, 0.3, -0.3, 1, -1, 1.5, -1.5, 1.5000001, 2, -2, 3e38, -3e38, np.inf, -np.inf], np.float32
)


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def activation(quantizer, hybridized):
    layer = nn.QActivation(quantizer)
    layer.initialize()
    if hybridized:
        layer.hybridize(static_alloc=True, static_shape=True)
    return layer


def run(layer, x, lowered, train_mode=True):
    data = mx.nd.array(x.reshape(1, 1, 1, -1))
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record(train_mode=train_mode):
        y = layer(data)
    y.backward(train_mode=train_mode)
    return y.asnumpy().ravel(), data.grad.asnumpy().ravel()


hybridized_or_not = pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])


@hybridized_or_not
@pytest.mark.parametrize("make", [nn.StochasticSign, nn.ProgressiveSign, nn.TanhSign])
def test_at_inference_they_are_signs(make, hybridized, lowered):
    layer = activation(make(), hybridized)
    with nn.lowering(lowered):
        y = layer(mx.nd.array(X.reshape(1, 1, 1, -1))).asnumpy().ravel()
    np.testing.assert_array_equal(y, sign(X))
    for train_mode in (True, False, True):
        y, _ = run(layer, X, lowered, train_mode)
        assert train_mode or np.array_equal(y, sign(X))


@hybridized_or_not
def test_the_mean_of_stochastic_signs_is_the_clipped_input(hybridized, lowered):
    mx.random.seed(11)
    count = 20_000
    layer = activation(nn.StochasticSign(), hybridized)
    for value in (-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, np.inf, -np.inf):
        y, gradient = run(layer, np.full(count, value, np.float32), lowered)
        assert set(np.unique(y)) <= {-1.0, 1.0}
        expected = np.clip(value, -1, 1)
        assert abs(y.mean() - expected) <= 5 * np.sqrt((1 - expected**2) / count)
        np.testing.assert_array_equal(gradient, np.full(count, abs(value) <= 1))
    again, _ = run(layer, np.zeros(count, np.float32), lowered)
    assert not np.array_equal(again, run(layer, np.zeros(count, np.float32), lowered)[0])


@hybridized_or_not
@pytest.mark.parametrize("temperature", [1.0, 0.5, 1e-3, 1e-8, 0.0])
def test_progressive_sign(temperature, hybridized, lowered):
    quantizer = nn.ProgressiveSign()
    layer = activation(quantizer, hybridized)
    run(layer, X, lowered)
    quantizer.set("temperature", temperature)
    y, gradient = run(layer, X, lowered)
    scaled = np.float64(temperature) if temperature > 1e-7 else None
    expected = sign(X) if scaled is None else np.clip(X.astype(np.float64) / scaled, -1, 1)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    np.testing.assert_array_equal(gradient, np.abs(X) <= 1.5)


@hybridized_or_not
@pytest.mark.parametrize("nu", [1.0, 3.0, 1000.0])
def test_tanh_sign(nu, hybridized, lowered):
    quantizer = nn.TanhSign()
    layer = activation(quantizer, hybridized)
    run(layer, X, lowered)
    quantizer.set("nu", nu)
    y, gradient = run(layer, X, lowered)
    expected = np.tanh(nu * X.astype(np.float64))
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, nu * (1 - expected**2), rtol=1e-3, atol=1e-5 * nu)
    if nu == 1000.0:
        assert np.abs(y[np.abs(X) > 0.1]).min() > 0.999


@pytest.mark.parametrize("rescale", ["max", "std"])
def test_rescaled_weights_learn_at_any_scale(rescale, lowered):
    w = np.random.RandomState(1).normal(size=(4, 3, 3, 3)) * np.array([1e-3, 1, 30, 1e3]).reshape(4, 1, 1, 1)
    layer = nn.QConv2D(
        4, 3, in_channels=3, use_bias=False, weight_quantizer=nn.TanhSign(nu=2.0, rescale=rescale)
    )
    layer.initialize()
    layer.weight.set_data(mx.nd.array(w))
    x = np.random.RandomState(2).choice([-1.0, 1.0], (1, 3, 3, 3)).astype(np.float32)
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(mx.nd.array(x))
    y.backward()
    size = np.abs(w).max(axis=(1, 2, 3)) if rescale == "max" else w.std(axis=(1, 2, 3))
    size = size.reshape(4, 1, 1, 1)
    squashed = np.tanh(2 * w / size)
    np.testing.assert_allclose(y.asnumpy().ravel(), (squashed * x).sum(axis=(1, 2, 3)), rtol=1e-4)
    expected = 2 * (1 - squashed**2) / size * x
    np.testing.assert_allclose(layer.weight.grad().asnumpy(), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("make", [nn.ProgressiveSign, nn.TanhSign])
@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_layers_of_soft_signs_are_equal_in_all_lowerings(pad_value, make, lowered):
    """Training multiplies real numbers, which bmx's operators would take the signs of."""
    layer = nn.QConv2D(
        5, 3, padding=1, in_channels=4, weight_quantizer=make(), input_quantizer=make(), pad_value=pad_value
    )
    layer.initialize(mx.init.Normal(1))
    data = mx.nd.random.normal(shape=(2, 4, 6, 6))
    with mx.autograd.record():
        native = layer(data)
        with nn.lowering(lowered):
            other = layer(data)
    np.testing.assert_allclose(other.asnumpy(), native.asnumpy(), rtol=1e-6)
    assert (native.asnumpy() != np.round(native.asnumpy())).any()
    with nn.lowering(lowered):
        at_inference = layer(data).asnumpy()
    signs = nn.QConv2D(5, 3, padding=1, in_channels=4, pad_value=pad_value, params=layer.collect_params())
    np.testing.assert_array_equal(at_inference, signs(data).asnumpy())
    if lowered == "operator":
        with nn.lowering("inference"):
            np.testing.assert_array_equal(layer(data).asnumpy(), at_inference)


def test_only_hyper_parameters_are_set_by_hand():
    with pytest.raises(KeyError, match=r"expected a hyper-parameter of .*; found 'shift'"):
        nn.RSign().set("shift", 1.0)
    with pytest.raises(KeyError, match=r"expected a hyper-parameter of .*; found 'heat'"):
        nn.ProgressiveSign().set("heat", 1.0)


def test_a_shared_quantizer_is_set_in_all_its_layers():
    quantizer = nn.TanhSign()
    net = mx.gluon.nn.HybridSequential()
    net.add(nn.QDense(4, in_units=4, input_quantizer=quantizer, weight_quantizer=quantizer))
    net.add(nn.QActivation(quantizer, ndim=2))
    net.initialize()
    assert list(nn.quantizers_of(net)) == [quantizer]
    quantizer.set("nu", 8.0)
    values = {key: value.data().asscalar() for key, value in net.collect_params(".*_nu").items()}
    assert len(values) == 3
    assert set(values.values()) == {8.0}
    assert not [
        key for key, value in net.collect_params().items() if key.endswith("nu") and value.grad_req != "null"
    ]
