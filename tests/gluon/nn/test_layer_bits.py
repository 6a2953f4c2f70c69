"""Layers of several bits and scaled layers, against NumPy; the lowerings agree."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn

LOWERINGS = ("native", "mixed", "operator", "inference")


def activation_codes(x, bits):
    n = 2**bits - 1
    return np.floor(np.clip(x * np.float32(n), 0, n) + np.float32(0.5)).astype(np.int64)


def weight_codes(w, bits):
    """Odd integers, from the formula in float64, compared where no code is near a half."""
    n = 2**bits - 1
    unit = np.tanh(w.astype(np.float64))
    unit = (unit / np.abs(unit).max() + 1) / 2 * n
    safe = np.abs(unit - np.floor(unit) - 0.5) > 1e-5
    return (2 * np.floor(unit + 0.5) - n).astype(np.int64), safe.all()


def convolve(x, w, stride, pad):
    """Plain loops over integers or floats in float64."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    _, _, kh, kw = w.shape
    rows, columns = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    out = np.zeros((len(x), len(w), rows, columns), dtype=np.result_type(x, w))
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.tensordot(window, w, ([1, 2, 3], [1, 2, 3]))
    return out


def made(layer, seed, hybridize=False):
    mx.random.seed(seed)
    net = float_nn.HybridSequential()
    net.add(layer)
    net.initialize(mx.init.Normal(0.7))
    if hybridize:
        net.hybridize()
    return net


def run_all(net, x):
    """Outputs of the three lowerings, imperative, and of the native one hybridized."""
    outs = []
    for name in LOWERINGS:
        with nn.lowering(name):
            outs.append(net(x).asnumpy())
    net.hybridize()
    return [*outs, net(x).asnumpy()]


@pytest.mark.parametrize("bits", [2, 3, 8])
@pytest.mark.parametrize("input_bits", [1, 2, 5, 8])
def test_convolution_of_codes(bits, input_bits):
    seed = 10 * bits + input_bits
    print("seed", seed)
    quantizers = {"input_quantizer": nn.DoReFa(input_bits)}
    layer = nn.QConv2D(5, 3, strides=2, padding=1, use_bias=False, in_channels=7, bits=bits, **quantizers)
    net = made(layer, seed)
    x = np.random.RandomState(seed).uniform(-0.5, 1.5, (2, 7, 9, 8)).astype(np.float32)
    codes, safe = weight_codes(layer.weight.data().asnumpy(), bits)
    assert safe
    dots = convolve(activation_codes(x, input_bits), codes, 2, 1)
    step = (1 / (2**bits - 1)) * (1 / (2**input_bits - 1))
    outs = run_all(net, mx.nd.array(x))
    for out in outs:
        np.testing.assert_array_equal(out, outs[0])
    np.testing.assert_array_equal(outs[0], dots.astype(np.float32) * np.float32(step))


@pytest.mark.parametrize("layer", ["conv", "dense"])
@pytest.mark.parametrize("scaling", ["channel", "channel_detached", "tensor", "xnor"])
@pytest.mark.parametrize("input_bits", [1, 32])
def test_scaled_layers(layer, scaling, input_bits):
    print("seed 3")
    arguments = {"scaling": scaling, "input_bits": input_bits, "use_bias": True}
    arguments["bias_initializer"] = mx.init.Normal(1)
    if layer == "conv":
        layer, shape = nn.QConv2D(6, 3, padding=1, in_channels=4, **arguments), (2, 4, 5, 6)
    else:
        layer, shape = nn.QDense(6, in_units=10, **arguments), (3, 10)
    net = made(layer, 3)
    x = np.random.RandomState(3).normal(size=shape).astype(np.float32)
    w, bias = layer.weight.data().asnumpy().astype(np.float64), layer.bias.data().asnumpy()
    value = np.where(x < 0, -1, 1) if input_bits == 1 else x.astype(np.float64)
    sign = np.where(w < 0, -1, 1)
    alpha = np.abs(w).reshape(len(w), -1).mean(axis=1)
    alpha = np.full_like(alpha, alpha.mean()) if scaling == "tensor" else alpha
    if len(shape) == 4:
        out = convolve(value, sign, 1, 1) * alpha.reshape(1, -1, 1, 1)
        k = convolve(np.abs(x).mean(axis=1, keepdims=True), np.full((1, 1, 3, 3), 1 / 9), 1, 1)
        bias = bias.reshape(1, -1, 1, 1)
    else:
        out, k = value @ sign.T * alpha, np.abs(x).mean(axis=1, keepdims=True)
    expected = out * (k if scaling == "xnor" else 1) + bias
    for found in run_all(net, mx.nd.array(x)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{"bits": 3}, {"scaling": "channel"}, {"scaling": "tensor"}, {"input_bits": 4}, {"input_bits": 32}],
    ids=str,
)
@pytest.mark.parametrize("hybridize", [False, True])
def test_input_sizes_may_be_left_out(arguments, hybridize):
    for layer, shape, weight in (
        (nn.QConv2D(4, 3, groups=2, **arguments), (1, 6, 5, 5), (4, 3, 3, 3)),
        (nn.QDense(4, **arguments), (2, 3, 2), (4, 6)),
    ):
        net = made(layer, 0, hybridize)
        net(mx.nd.ones(shape))
        assert layer.weight.shape == weight


def test_what_decay_and_optimizers_ask_of_a_weight():
    assert nn.QDense(3).weight.binary
    assert nn.QConv2D(3, 1, scaling="channel").weight.binary
    assert not nn.QDense(3, bits=2).weight.binary
    assert nn.QDense(3, bits=2).weight.wd_mult == 0
