"""HORQConv2D against NumPy: windows as columns, residuals column by column."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import library, nn


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def im2col(x, kernel, strides, padding, dilation):
    """[batch, out_height, out_width, channels, kernel height, kernel width]."""
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1], :: dilation[0], :: dilation[1]]
    return windows.transpose(0, 2, 3, 1, 4, 5)


def residuals(columns, order):
    """[(signs, betas)], the windows' axes last."""
    terms, rest = [], columns
    for _ in range(order):
        beta = np.abs(rest).mean(axis=(-3, -2, -1), keepdims=True)
        terms.append((sign(rest), beta))
        rest = rest - beta * sign(rest)
    return terms, rest


def reference(x, w, order, kernel, strides, padding, dilation):
    columns = im2col(x.astype(np.float64), kernel, strides, padding, dilation)
    terms, _ = residuals(columns, order)
    alpha = np.abs(w.astype(np.float64)).mean(axis=(1, 2, 3))
    total = sum(beta[..., 0, 0] * np.einsum("nhwckl,ockl->nhwo", s, sign(w)) for s, beta in terms)
    return (alpha * total).transpose(0, 3, 1, 2)


CASES = [
    (1, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, (3, 3), (2, 2), (1, 1), (1, 1)),
    (3, (3, 2), (1, 2), (0, 1), (2, 1)),
    (2, (1, 1), (1, 1), (0, 0), (1, 1)),
    (4, (5, 3), (2, 1), (2, 0), (1, 2)),
]


def layer(order, kernel, strides, padding, dilation, channels=7, inputs=5, **arguments):
    net = nn.HORQConv2D(
        channels, kernel, strides, padding, dilation, order=order, in_channels=inputs, **arguments
    )
    net.initialize(mx.init.Uniform(1))
    return net


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_the_formula_for_each_window(case, lowered):
    order, *geometry = case
    mx.random.seed(17)
    net = layer(*case, use_bias=False)
    x = mx.nd.random.normal(shape=(2, 5, 11, 10))
    expected = reference(x.asnumpy(), net.weight.data().asnumpy(), order, *geometry)
    with nn.lowering(lowered):
        y = net(x)
        net.hybridize()
        hybrid = net(x)
    np.testing.assert_allclose(y.asnumpy(), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(hybrid.asnumpy(), y.asnumpy())
    plain = nn.QConv2D(7, *geometry, in_channels=5)
    plain.initialize()
    assert plain(x).shape == y.shape


def test_every_order_shrinks_the_error():
    x = np.random.default_rng(19).normal(size=(2, 5, 9, 9))
    columns = im2col(x, (3, 3), (1, 1), (1, 1), (1, 1))
    before = (columns**2).sum((-3, -2, -1))
    for order in (1, 2, 3, 4):
        terms, rest = residuals(columns, order)
        after = (rest**2).sum((-3, -2, -1))
        np.testing.assert_allclose(after, before - 45 * terms[-1][1][..., 0, 0, 0] ** 2, rtol=1e-9)
        assert (after < before).all()
        before = after


def test_by_sample_it_is_a_convolution_of_the_quantizer(lowered):
    mx.random.seed(23)
    net = nn.HORQConv2D(6, 3, 2, 1, order=3, beta="sample", groups=2)
    plain = nn.QConv2D(6, 3, 2, 1, groups=2, input_quantizer=nn.HORQ(3), scaling="channel")
    x = mx.nd.random.normal(shape=(3, 4, 9, 9))
    with nn.lowering(lowered):
        for other in (net, plain):
            other.initialize(mx.init.Uniform(1))
            other(x)
        plain.weight.set_data(net.weight.data())
        np.testing.assert_array_equal(net(x).asnumpy(), plain(x).asnumpy())


def test_gradients_reach_both_operands_and_lowerings_agree():
    gradients = {}
    for lowering in ("native", "operator") if library.is_loaded() else ("native",):
        mx.random.seed(29)
        net = layer(*CASES[2])
        x = mx.nd.random.normal(shape=(2, 5, 9, 9))
        x.attach_grad()
        with nn.lowering(lowering), mx.autograd.record():
            loss = (net(x) ** 2).sum()
        loss.backward()
        gradients[lowering] = [a.asnumpy() for a in (x.grad, net.weight.grad(), net.bias.grad())]
        assert all(np.isfinite(a).all() and a.any() for a in gradients[lowering])
    for other in gradients.values():
        for a, b in zip(other, gradients["native"]):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_order_one_passes_gradients_as_a_window():
    mx.random.seed(31)
    net = layer(1, (1, 1), (1, 1), (0, 0), (1, 1), use_bias=False)
    x = mx.nd.random.normal(shape=(2, 5, 4, 4))
    x.attach_grad()
    with mx.autograd.record():
        loss = net(x).sum()
    loss.backward()
    w = net.weight.data().asnumpy()[:, :, 0, 0]
    alpha = np.abs(w).mean(1)
    beta = np.abs(x.asnumpy()).mean(1, keepdims=True)
    expected = beta * (alpha[:, None] * sign(w)).sum(0).reshape(1, 5, 1, 1) * (np.abs(x.asnumpy()) <= 1)
    np.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": "pixel"}, "'position' or 'sample'"),
        ({}, "expected in_channels and groups=1 for beta='position'"),
        ({"in_channels": 4, "groups": 2}, "expected in_channels and groups=1 for beta='position'"),
        ({"in_channels": 4, "pad_value": 1}, "leaves open, found pad_value; use QConv2D"),
        ({"in_channels": 4, "order": 5}, "from 1 to 4"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.HORQConv2D(8, 3, **arguments)
