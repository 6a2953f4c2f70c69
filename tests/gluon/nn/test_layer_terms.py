"""Gradients of whole layers, as the papers write them: plain loops over windows in NumPy, no autograd."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn

BATCH, IN, OUT, SIZE = 2, 3, 4, 5


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def windows(x, stride, padding):
    """The (sample, row, column, window [IN, 3, 3]) of a 3x3 convolution; padding is 0."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for sample in range(len(x)):
        for row in range((padded.shape[2] - 3) // stride + 1):
            for column in range((padded.shape[3] - 3) // stride + 1):
                top, left = row * stride, column * stride
                yield sample, row, column, padded[sample, :, top : top + 3, left : left + 3]


def convolve(x, w, stride, padding):
    """Output [batch, filters, rows, columns], and the function from its gradient to that of ``w``."""
    size = (SIZE + 2 * padding - 3) // stride + 1
    y = np.zeros((len(x), len(w), size, size))
    for sample, row, column, window in windows(x, stride, padding):
        for filter_ in range(len(w)):
            y[sample, filter_, row, column] = (window * w[filter_]).sum()

    def gradient(heads):
        total = np.zeros(w.shape)
        for sample, row, column, window in windows(x, stride, padding):
            for filter_ in range(len(w)):
                total[filter_] += heads[sample, filter_, row, column] * window
        return total

    return y, gradient


def scale_map(x, stride, padding):
    """XNOR-Net's K: means of |x| over the windows."""
    size = (SIZE + 2 * padding - 3) // stride + 1
    k = np.zeros((len(x), 1, size, size))
    for sample, row, column, window in windows(np.abs(x), stride, padding):
        k[sample, 0, row, column] = window.mean()
    return k


def run(layer, x, heads, lowered, hybridized, grad_req="write"):
    """Output, and gradients of weight and input after one backward pass, or two that add up."""
    layer.weight.grad_req = grad_req
    if hybridized:
        layer.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(x)
    data.attach_grad(grad_req)
    for _ in range(2 if grad_req == "add" else 1):
        with nn.lowering(lowered), mx.autograd.record():
            y = layer(data)
        y.backward(mx.nd.array(heads))
    return y.asnumpy(), layer.weight.grad().asnumpy(), data.grad.asnumpy()


def convolution(stride, padding, w, **settings):
    layer = nn.QConv2D(OUT, 3, stride, padding, use_bias=False, in_channels=IN, **settings)
    layer.initialize()
    layer.weight.set_data(mx.nd.array(w))
    return layer


def example(seed, stride, padding):
    random = np.random.RandomState(seed)
    size = (SIZE + 2 * padding - 3) // stride + 1
    x = random.normal(size=(BATCH, IN, SIZE, SIZE)).astype(np.float32)
    w = random.normal(0.1, 0.8, size=(OUT, IN, 3, 3)).astype(np.float32)
    w[0, 0, 0] = [0.0, -0.0, 1.0]
    return x, w, random.normal(size=(BATCH, OUT, size, size)).astype(np.float32)


hybridized_or_not = pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
geometries = pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0)])


def weight_gradient(scaling, w, heads, of_weight, k):
    """dC/dW of y = alpha K (sign(x) * sign(W)), C's gradient by y being ``heads``."""
    n = w[0].size
    axes = (1, 2, 3)
    alpha = np.abs(w).mean(axis=axes, keepdims=True) if scaling != "tensor" else np.abs(w).mean()
    of_binary = of_weight(heads * k)  # dC / d(alpha sign(W))
    passes = np.abs(w) <= 1
    gradient = of_binary * alpha * passes
    if scaling in ("channel", "xnor"):
        gradient = gradient + sign(w) / n * (of_binary * sign(w)).sum(axis=axes, keepdims=True)
    return gradient


@geometries
@hybridized_or_not
@pytest.mark.parametrize("scaling", ["channel", "xnor", "channel_detached", "tensor"])
def test_weight_gradients_of_scaled_convolutions(scaling, hybridized, stride, padding, lowered):
    """XNOR-Net with alpha's gradient, and Bi-Real Net's magnitude-aware one without."""
    x, w, heads = example(1, stride, padding)
    layer = convolution(stride, padding, w, scaling=scaling)
    y, gradient, _ = run(layer, x, heads, lowered, hybridized)
    dots, of_weight = convolve(sign(x), sign(w), stride, padding)
    alpha = np.abs(w).mean() if scaling == "tensor" else np.abs(w).mean(axis=(1, 2, 3)).reshape(1, OUT, 1, 1)
    k = scale_map(x, stride, padding) if scaling == "xnor" else 1.0
    np.testing.assert_allclose(y, alpha * k * dots, rtol=1e-5, atol=1e-5)
    expected = weight_gradient(scaling, w, heads, of_weight, k)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scaling", ["channel", "xnor", "channel_detached", "tensor"])
@hybridized_or_not
def test_weight_gradients_of_scaled_dense_layers(scaling, hybridized, lowered):
    random = np.random.RandomState(2)
    x = random.normal(size=(3, 2, 2, 5)).astype(np.float32)
    w = random.normal(size=(OUT, 20)).astype(np.float32)
    heads = random.normal(size=(3, OUT)).astype(np.float32)
    layer = nn.QDense(OUT, use_bias=False, in_units=20, scaling=scaling)
    layer.initialize()
    layer.weight.set_data(mx.nd.array(w))
    y, gradient, _ = run(layer, x, heads, lowered, hybridized)
    flat = x.reshape(3, 20)
    alpha = np.abs(w).mean() if scaling == "tensor" else np.abs(w).mean(axis=1)
    k = np.abs(flat).mean(axis=1, keepdims=True) if scaling == "xnor" else np.ones((3, 1))
    np.testing.assert_allclose(y, alpha * k * (sign(flat) @ sign(w).T), rtol=1e-5, atol=1e-5)
    expected = weight_gradient(
        scaling,
        w.reshape(OUT, 20, 1, 1),
        heads,
        lambda scaled: np.einsum("no,ni->oi", scaled, sign(flat)).reshape(OUT, 20, 1, 1),
        k,
    )
    np.testing.assert_allclose(gradient, expected.reshape(OUT, 20), rtol=1e-4, atol=1e-5)


def abc_bases(w, terms):
    """[(B_m, alpha_m)] of the whole layer; the fit by the normal equations."""
    mean, deviation = w.mean(), w.std()
    shifts = [0.0] if terms == 1 else np.linspace(-1, 1, terms)
    bases = [sign(w - mean + u * deviation) for u in shifts]
    matrix = np.stack([base.ravel() for base in bases], axis=1)
    return list(zip(bases, np.linalg.solve(matrix.T @ matrix, matrix.T @ w.ravel())))


@geometries
@hybridized_or_not
@pytest.mark.parametrize(("weight_terms", "input_terms"), [(1, 1), (3, 1), (3, 2), (5, 3)])
def test_abc_convolutions(weight_terms, input_terms, hybridized, stride, padding, lowered):
    x, w, heads = example(3, stride, padding)
    layer = convolution(
        stride,
        padding,
        w,
        weight_quantizer=nn.ABCWeight(weight_terms),
        input_quantizer=nn.ABCActivation(input_terms),
    )
    betas = np.random.RandomState(4).uniform(0.5, 2, input_terms).astype(np.float32)
    shifts = [0.0] if input_terms == 1 else np.linspace(-1, 1, input_terms)
    for n, beta in enumerate(betas):
        getattr(layer, f"input_step{n}").set_data(mx.nd.array([beta]))
    y, gradient, _ = run(layer, x, heads, lowered, hybridized)

    expected, of_weight, of_beta = 0, 0, np.zeros(input_terms)
    for base, alpha in abc_bases(w.astype(np.float64), weight_terms):
        for n, (shift, beta) in enumerate(zip(shifts, betas)):
            dots, of_base = convolve(sign(x + np.float32(shift) - 0.5), base, stride, padding)
            expected = expected + alpha * beta * dots
            of_weight = of_weight + alpha * of_base(beta * heads)
            of_beta[n] += (alpha * dots * heads).sum()
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradient, of_weight, rtol=1e-3, atol=1e-4)
    found = [getattr(layer, f"input_step{n}").grad().asscalar() for n in range(input_terms)]
    np.testing.assert_allclose(found, of_beta, rtol=1e-3, atol=1e-3)


@geometries
@hybridized_or_not
@pytest.mark.parametrize("order", [1, 2, 3])
def test_horq_convolutions(order, hybridized, stride, padding, lowered):
    x, w, heads = example(5, stride, padding)
    layer = convolution(stride, padding, w, input_quantizer=nn.HORQ(order), scaling="channel_detached")
    y, gradient, _ = run(layer, x, heads, lowered, hybridized)
    alpha = np.abs(w).mean(axis=(1, 2, 3))
    rest, expected, of_weight = x.astype(np.float64), 0, 0
    for _ in range(order):
        beta = np.abs(rest).mean(axis=(1, 2, 3)).reshape(-1, 1, 1, 1)
        dots, of_sign = convolve(sign(rest), sign(w), stride, padding)
        expected = expected + alpha.reshape(1, OUT, 1, 1) * beta * dots
        of_weight = of_weight + of_sign(beta * heads) * alpha.reshape(OUT, 1, 1, 1) * (np.abs(w) <= 1)
        rest = rest - beta * sign(rest)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradient, of_weight, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", nn.list_quantizers())
@pytest.mark.parametrize("role", ["input", "weight"])
@hybridized_or_not
def test_gradients_add_up(hybridized, role, name, lowered):
    """Operators of a library, and MXNet's own clip, replace a gradient that they should be added to."""
    quantizer = nn.get_quantizer(name)
    if role == "weight" and (quantizer.kind == "unsigned" or name == "abc"):
        pytest.skip(f"{name} is for inputs")
    if name == "stochastic_sign":
        pytest.skip("two passes differ")
    x, w, heads = example(6, 1, 1)

    def gradients(grad_req):
        layer = convolution(1, 1, w, **{f"{role}_quantizer": quantizer})
        for parameter in layer.collect_params(".*(input|weight)_.*").values():
            if parameter.grad_req != "null":
                parameter.grad_req = grad_req
        _, *found = run(layer, x, heads, lowered, hybridized, grad_req)
        trained = (p for p in layer.collect_params().values() if p.grad_req != "null")
        return [*found, *(parameter.grad().asnumpy() for parameter in trained)]

    once, twice = gradients("write"), gradients("add")
    assert any(gradient.any() for gradient in once)
    for single, double in zip(once, twice):
        np.testing.assert_allclose(double, 2 * single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", nn.list_quantizers())
@pytest.mark.parametrize("role", ["input", "weight"])
def test_the_inference_lowering_of_a_layer_is_its_forward_pass(role, name, lowered):
    if lowered == "native":
        pytest.skip("the inference lowering needs the C++ operators")
    quantizer = nn.get_quantizer(name)
    if role == "weight" and (quantizer.kind == "unsigned" or name == "abc"):
        pytest.skip(f"{name} is for inputs")
    x, w, _ = example(7, 1, 1)
    layer = convolution(1, 1, w, **{f"{role}_quantizer": quantizer})
    data = mx.nd.array(x)
    expected = layer(data).asnumpy()
    for name_ in ("operator", "inference"):
        with nn.lowering(name_):
            np.testing.assert_allclose(layer(data).asnumpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("quantizer", [nn.HORQ(2), nn.ABCActivation(2), nn.LSQ(3), nn.RSign()], ids=repr)
@hybridized_or_not
def test_dense_layers_flatten_what_they_quantize(quantizer, hybridized, lowered):
    x = np.random.RandomState(8).normal(size=(3, 2, 2, 5)).astype(np.float32)
    layer = nn.QDense(4, in_units=20, input_quantizer=quantizer)
    layer.initialize(mx.init.Normal(1))
    if hybridized:
        layer.hybridize()
    with nn.lowering(lowered):
        image = layer(mx.nd.array(x)).asnumpy()
        vector = layer(mx.nd.array(x.reshape(3, 20))).asnumpy()
    assert image.shape == (3, 4)
    np.testing.assert_array_equal(image, vector)
