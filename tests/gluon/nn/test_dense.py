"""QDense against NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def run(layer, x, dy, lowering):
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowering), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(dy))
    return y.asnumpy(), data.grad.asnumpy(), layer.weight.grad().asnumpy()


@pytest.mark.parametrize("inputs", [1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160, 1000])
@pytest.mark.parametrize("batch", [1, 5])
def test_equals_product_of_signs(inputs, batch, lowered):
    random = np.random.RandomState(inputs)
    layer = nn.QDense(17, use_bias=False)
    layer.initialize(mx.init.Normal(1))
    x = random.normal(size=(batch, inputs)).astype(np.float32)
    x[0, 0] = -0.0
    layer(mx.nd.array(x))
    w = layer.weight.data().asnumpy()
    dy = random.randint(-4, 5, (batch, 17))
    y, dx, dw = run(layer, x, dy, lowered)
    np.testing.assert_array_equal(y, sign(x) @ sign(w).T)
    np.testing.assert_array_equal(dx, dy @ sign(w) * (np.abs(x) <= 1))
    np.testing.assert_array_equal(dw, dy.T @ sign(x) * (np.abs(w) <= 1))


@pytest.mark.parametrize(("flatten", "rows", "inputs"), [(True, (4,), 5 * 7), (False, (4, 5), 7)])
@pytest.mark.parametrize("output_range", ["dot", "popcount"])
def test_axes_and_bias(flatten, rows, inputs, output_range, lowered):
    random = np.random.RandomState(3)
    layer = nn.QDense(6, flatten=flatten, output_range=output_range, bias_initializer=mx.init.Normal(1))
    layer.initialize(mx.init.Normal(1))
    x = random.normal(size=(4, 5, 7)).astype(np.float32)
    layer(mx.nd.array(x))
    w, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
    dy = 2 * random.randint(-4, 5, (*rows, 6))
    y, dx, dw = run(layer, x, dy, lowered)
    dot = sign(x).reshape(-1, inputs) @ sign(w).T
    scale = 1.0
    if output_range == "popcount":
        dot, scale = (dot + inputs) / 2, 0.5
    np.testing.assert_array_equal(y, (dot.astype(np.float32) + bias).reshape(*rows, 6))
    flat_dy = dy.reshape(-1, 6) * scale
    np.testing.assert_array_equal(dx, (flat_dy @ sign(w)).reshape(x.shape) * (np.abs(x) <= 1))
    np.testing.assert_array_equal(dw, flat_dy.T @ sign(x).reshape(-1, inputs) * (np.abs(w) <= 1))
    np.testing.assert_array_equal(layer.bias.grad().asnumpy(), dy.reshape(-1, 6).sum(axis=0))


def test_arguments_stand_where_gluon_has_them(lowered):
    arguments = (8, "tanh", True, True, "float32", None, mx.init.Normal(2), 12)
    layer, plain = nn.QDense(*arguments, prefix="a_"), float_nn.Dense(*arguments, prefix="a_")
    layer.initialize(mx.init.Normal(1))
    plain.initialize()
    x = mx.nd.array(sign(np.random.RandomState(1).normal(size=(3, 12))))
    plain.weight.set_data(mx.nd.array(sign(layer.weight.data().asnumpy())))
    plain.bias.set_data(layer.bias.data())
    with nn.lowering(lowered):
        np.testing.assert_allclose(layer(x).asnumpy(), plain(x).asnumpy(), rtol=1e-6)
    assert list(layer.collect_params()) == list(plain.collect_params())
    assert layer.weight.wd_mult == 0.0


def test_explicit_activation_equals_input_quantizer(lowered):
    x = mx.nd.random.normal(shape=(3, 70))
    own, bare = nn.QDense(4, in_units=70), nn.QDense(4, in_units=70, input_quantizer=None)
    own.initialize(mx.init.Normal(1))
    bare.initialize()
    bare.weight.set_data(own.weight.data())
    with nn.lowering(lowered):
        np.testing.assert_array_equal(bare(nn.QActivation()(x)).asnumpy(), own(x).asnumpy())
