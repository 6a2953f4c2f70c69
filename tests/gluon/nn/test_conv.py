"""QConv2D against NumPy: float convolution of signs, tap by tap."""

from __future__ import annotations

import zlib

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn

CHANNELS = (1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160)


def case(channels=3, out=5, kernel=3, stride=1, padding=0, pad_value=0, dilation=1, groups=1, size=(9, 8)):
    return dict(locals())


def cases():
    for channels in CHANNELS:
        yield case(channels=channels, padding=1)
        yield case(channels=channels, kernel=1, size=(3, 5))
        yield case(channels=channels, padding=1, groups=channels, out=2 * channels, size=(5, 4))
    for channels in (2, 32, 64, 66, 128, 160):
        yield case(channels=channels, out=6, groups=2, padding=1)
    for kernel in (1, 3, 5, 7):
        for stride in (1, 2):
            for padding, pad_value in ((0, 0), (1, 0), (1, 1), (1, -1), (2, 0), (2, 1), (2, -1)):
                for dilation in (1, 2):
                    sizes = {"size": (15, 14)} if kernel == 7 else {"size": (11, 9)}
                    yield case(33, 4, kernel, stride, padding, pad_value, dilation, **sizes)
    yield case(channels=6, out=18, kernel=(3, 1), stride=(1, 2), padding=(2, 0), pad_value=1, groups=2)


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


class Reference:
    """Forward and backward of one layer in float64, where all its integers are exact."""

    def __init__(self, x, w, stride, padding, pad_value, dilation, groups, **_):
        self.x, self.w, self.groups = x, w, groups
        self.stride, self.padding, self.dilation = pair(stride), pair(padding), pair(dilation)
        height, width = self.padding
        border = ((0, 0), (0, 0), (height, height), (width, width))
        self.x_padded = np.pad(sign(x), border, constant_values=pad_value)
        self.out_size = [
            (self.x_padded.shape[2 + i] - self.dilation[i] * (w.shape[2 + i] - 1) - 1) // self.stride[i] + 1
            for i in range(2)
        ]

    def taps(self):
        """Each (group's outputs, group's inputs, kernel row, kernel column, window of the padded input)."""
        outputs, inputs = self.w.shape[0] // self.groups, self.w.shape[1]
        for group in range(self.groups):
            for kh in range(self.w.shape[2]):
                for kw in range(self.w.shape[3]):
                    window = [
                        slice(k * d, k * d + s * (size - 1) + 1, s)
                        for k, d, s, size in zip((kh, kw), self.dilation, self.stride, self.out_size)
                    ]
                    out_slice = slice(group * outputs, (group + 1) * outputs)
                    yield out_slice, slice(group * inputs, (group + 1) * inputs), kh, kw, window

    def forward(self):
        y = np.zeros((len(self.x), len(self.w), *self.out_size))
        for o, c, kh, kw, window in self.taps():
            y[:, o] += np.einsum(
                "nchw,oc->nohw", self.x_padded[(slice(None), c, *window)], sign(self.w[o, :, kh, kw])
            )
        return y

    def backward(self, dy, x_clip=1.0, w_clip=1.0):
        dx, dw = np.zeros_like(self.x_padded), np.zeros_like(self.w, dtype=np.float64)
        for o, c, kh, kw, window in self.taps():
            at = (slice(None), c, *window)
            dx[at] += np.einsum("nohw,oc->nchw", dy[:, o], sign(self.w[o, :, kh, kw]))
            dw[o, :, kh, kw] = np.einsum("nohw,nchw->oc", dy[:, o], self.x_padded[at])
        (top, left), (height, width) = self.padding, self.x.shape[2:]
        dx = dx[:, :, top : top + height, left : left + width]
        return dx * (np.abs(self.x) <= x_clip), dw * (np.abs(self.w) <= w_clip)


def build(config, **arguments):
    """A layer with random weights, its input and the reference; the seed is the case itself."""
    random = np.random.RandomState(zlib.crc32(repr(sorted(config.items())).encode()))
    kernel = pair(config["kernel"])
    layer = nn.QConv2D(
        config["out"],
        config["kernel"],
        config["stride"],
        config["padding"],
        config["dilation"],
        config["groups"],
        pad_value=config["pad_value"],
        **{"use_bias": False, **arguments},
    )
    x = random.normal(size=(2, config["channels"], *config["size"])).astype(np.float32)
    w = random.normal(size=(config["out"], config["channels"] // config["groups"], *kernel)).astype(
        np.float32
    )
    x.ravel()[::7] = 0.0
    w.ravel()[::5] = -0.0
    layer.weight.initialize(mx.init.Zero())
    layer.weight.shape = w.shape
    layer.weight.set_data(mx.nd.array(w))
    return layer, x, Reference(x, w, **config), random


def run(layer, x, dy, lowering, weight=None):
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowering), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(dy))
    return y.asnumpy(), data.grad.asnumpy(), (weight or layer.weight).grad().asnumpy()


@pytest.mark.parametrize("config", list(cases()), ids=lambda c: "-".join(f"{k}{v}" for k, v in c.items()))
def test_equals_float_convolution_of_signs(config, lowered):
    layer, x, reference, random = build(config)
    expected = reference.forward()
    # Integer gradients of this size are exact in float32, so the backward pass is held to equality too.
    dy = random.randint(-4, 5, expected.shape)
    y, dx, dw = run(layer, x, dy, lowered)
    expected_dx, expected_dw = reference.backward(dy)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(dw, expected_dw)


@pytest.mark.parametrize("shape", [(2, 64, 12, 12), (3, 20, 7, 9)])
def test_real_gradients(shape, lowered):
    config = case(channels=shape[1], out=48, padding=1, size=shape[2:])
    layer, x, reference, random = build(config)
    dy = random.normal(size=reference.forward().shape)
    _, dx, dw = run(layer, x, dy, lowered)
    for actual, expected in zip((dx, dw), reference.backward(dy)):
        # Sums of at most 48 * 9 or 2 * 144 terms of size 1: their float32 error stays below 1e-4.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-4)


def test_float_layer_with_binary_values_gives_the_same(lowered):
    """Swapping the class changes nothing where input and weights are +-1 already."""
    random = np.random.RandomState(5)
    x = mx.nd.array(sign(random.normal(size=(2, 40, 7, 6))))
    arguments = (9, 3, (2, 1), (1, 2), (1, 1), 1, "NCHW", "relu", True, None, mx.init.Normal(3), 40)
    layer, plain = nn.QConv2D(*arguments, prefix="a_"), float_nn.Conv2D(*arguments, prefix="a_")
    layer.initialize(mx.init.Normal(1))
    plain.initialize()
    plain.weight.set_data(mx.nd.array(sign(layer.weight.data().asnumpy())))
    plain.bias.set_data(layer.bias.data())
    with nn.lowering(lowered):
        # The bias is added to an integer: MXNet may add it first and round differently.
        np.testing.assert_allclose(layer(x).asnumpy(), plain(x).asnumpy(), rtol=0, atol=1e-4)
    assert list(layer.collect_params()) == list(plain.collect_params())


@pytest.mark.parametrize("pad_value", [0, 1, -1])
@pytest.mark.parametrize("groups", [1, 2])
def test_popcount_range_and_bias(pad_value, groups, lowered):
    config = case(channels=34, out=6, padding=1, pad_value=pad_value, groups=groups)
    layer, x, reference, random = build(
        config, output_range="popcount", use_bias=True, bias_initializer=mx.init.Normal(1)
    )
    layer.bias.initialize(mx.init.Normal(1))
    bias = layer.bias.data().asnumpy()
    dot = reference.forward()
    dy = 2 * random.randint(-4, 5, dot.shape)
    y, dx, dw = run(layer, x, dy, lowered)
    depth = 9 * 34 // groups
    expected = ((dot + depth) / 2).astype(np.float32) + bias.reshape(1, -1, 1, 1)
    np.testing.assert_array_equal(y, expected)
    expected_dx, expected_dw = reference.backward(dy / 2)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(dw, expected_dw)
    np.testing.assert_array_equal(layer.bias.grad().asnumpy(), dy.sum(axis=(0, 2, 3)))


@pytest.mark.parametrize("clip", [0.5, None])
def test_clip_of_the_config_cancels_gradients(clip, lowered):
    config = case(channels=4, padding=1)
    with nn.defaults(clip=clip):
        layer, x, reference, random = build(config)
    dy = random.randint(-4, 5, reference.forward().shape)
    _, dx, dw = run(layer, x, dy, lowered)
    limit = np.inf if clip is None else clip
    expected_dx, expected_dw = reference.backward(dy, limit, limit)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(dw, expected_dw)


@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_explicit_activation_equals_input_quantizer(pad_value, lowered):
    config = case(channels=33, padding=1, pad_value=pad_value)
    own, x, reference, random = build(config)
    bare, *_ = build(config, input_quantizer=None)
    net = float_nn.HybridSequential()
    net.add(nn.QActivation(), bare)
    dy = random.randint(-4, 5, reference.forward().shape)
    for actual, expected in zip(run(net, x, dy, lowered, bare.weight), run(own, x, dy, lowered)):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("pad_value", [0, 1, -1])
@pytest.mark.parametrize("output_range", ["dot", "popcount"])
def test_real_input_without_quantizer_is_convolved_as_it_is(pad_value, output_range, lowered):
    config = case(channels=33, padding=1, pad_value=pad_value, stride=2)
    layer, x, reference, random = build(config, input_quantizer=None, output_range=output_range)
    x[:, :, :, ::2] *= 3
    reference.x_padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=pad_value)
    dy = 2 * random.randint(-4, 5, reference.forward().shape)
    y, dx, dw = run(layer, x, dy, lowered)
    expected = reference.forward()
    expected_dx, expected_dw = reference.backward(dy, x_clip=np.inf)
    if output_range == "popcount":
        expected, expected_dx, expected_dw = (expected + 9 * 33) / 2, expected_dx / 2, expected_dw / 2
    # Sums of 9 * 33 real terms of size 3 in float32.
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_allclose(dw, expected_dw, rtol=0, atol=1e-2)


def test_nan_counts_as_plus_one(lowered):
    config = case(channels=33, padding=1)
    layer, x, *_ = build(config)
    replaced = x.copy()
    x[:, ::3], replaced[:, ::3] = np.nan, 0.5
    with nn.lowering(lowered):
        np.testing.assert_array_equal(layer(mx.nd.array(x)).asnumpy(), layer(mx.nd.array(replaced)).asnumpy())


def test_latent_weights_are_exempt_from_weight_decay():
    assert nn.QConv2D(2, 3).weight.wd_mult == 0.0
