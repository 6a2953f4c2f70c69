"""Bi-Real Net's and Group-Net's bottlenecks against their formulas in NumPy, and in every mode."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from bmx.gluon import library, nn
from bmx.gluon.nn import blocks

SEED = 73


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def relu(x):
    return np.maximum(x, 0)


def conv(x, w, stride=1, pad_value=0.0):
    width, kernel = w.shape[2] // 2, w.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (width, width), (width, width)), constant_values=pad_value)
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return np.einsum("nchwkl,ockl->nohw", view[:, :, ::stride, ::stride], w)


def halved(x):
    """Mean of 2x2 pixels; what hangs over the edge does not count."""
    odd = [(0, size % 2) for size in x.shape[2:]]
    x = np.pad(x, ((0, 0), (0, 0), *odd), constant_values=np.nan)
    return np.nanmean(x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2), axis=(3, 5))


class Values:
    """A block's parameters, random, by the names under which they are saved."""

    def __init__(self, block):
        rng = np.random.default_rng(SEED)
        self.of = {}
        for name, parameter in block._collect_params_with_prefix().items():
            low, high = (0.2, 1.5) if name.endswith(("gamma", "var", "mixture", "gate")) else (-0.7, 0.7)
            parameter.set_data(mx.nd.array(rng.uniform(low, high, parameter.shape)))
            self.of[name] = parameter.data().asnumpy().astype(np.float64)

    def real(self, x, name):
        return conv(x, self.of[f"{name}.weight"])

    def by_filter(self, x, name, stride=1):
        """Signs, scaled by each filter's mean magnitude."""
        weight = self.of[f"{name}.weight"]
        alpha = np.abs(weight).mean(axis=(1, 2, 3)).reshape(1, -1, 1, 1)
        return alpha * conv(sign(x), sign(weight), stride)

    def by_tensor(self, x, name, stride=1):
        """Signs padded with +1, scaled by the mean magnitude of all weights."""
        weight = self.of[f"{name}.weight"]
        return np.abs(weight).mean() * conv(sign(x), sign(weight), stride, pad_value=1)

    def norm(self, x, name):
        gamma, beta, mean, variance = (
            self.of[f"{name}.{part}"].reshape(1, -1, 1, 1)
            for part in ("gamma", "beta", "running_mean", "running_var")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def bireal(values, strides, x, *narrow):
    if narrow:
        u = narrow[0]
        u = values.real(u, "projection") if "projection.weight" in values.of else u
        a = values.norm(values.by_filter(x, "conv1"), "norm1") + u
    else:
        leaky = np.where(np.abs(x) <= 1, x, np.sign(x) * (0.9 + 0.1 * np.abs(x)))
        a = values.norm(values.real(leaky, "conv1"), "norm1")
    b = values.norm(values.by_filter(a, "conv2", strides), "norm2") + (a if strides == 1 else halved(a))
    y = values.norm(values.by_filter(b, "conv3"), "norm3")
    if "shortcut.body.0.weight" in values.of:  # convolution and norm, without a pool
        return [y + values.norm(values.real(x, "shortcut.body.0"), "shortcut.body.1"), b]
    if "shortcut.body.1.weight" in values.of:
        return [y + values.norm(values.real(halved(x), "shortcut.body.1"), "shortcut.body.2"), b]
    return [y + x, b]


def group(values, strides, x, *bases):
    gate = 1 / (1 + np.exp(-values.of["gate"])) if bases else None
    outputs = []
    for number in range(2):
        q = gate * bases[number] + (1 - gate) * x if bases else x
        name = f"branches.{number}"
        a = values.norm(relu(values.by_tensor(q, f"{name}.conv1")), f"{name}.norm1")
        b = values.norm(relu(values.by_tensor(a, f"{name}.conv2", strides)), f"{name}.norm2")
        b = b + a if strides == 1 else b
        y = values.norm(relu(values.by_tensor(b, f"{name}.conv3")), f"{name}.norm3")
        shortcut = q
        if "shortcut.0.weight" in values.of:
            shortcut = values.norm(values.by_tensor(q, "shortcut.0", strides), "shortcut.1")
        outputs.append(y + shortcut)
    return [np.tensordot(values.of["mixture"], np.array(outputs), 1), *outputs]


# make, formula, strides, channels of the inputs
CASES = {
    "bireal entry": (lambda: blocks.BiRealBottleneck(32, 1, 8, entry=True), bireal, 1, (8,)),
    "bireal": (lambda: blocks.BiRealBottleneck(32, 1, 32), bireal, 1, (32, 8)),
    "bireal strided": (lambda: blocks.BiRealBottleneck(32, 2, 16), bireal, 2, (16, 4)),
    "group": (lambda: blocks.GroupNetBottleneck(32, 1, 32, bases=2), group, 1, (32, 32, 32)),
    "group strided": (lambda: blocks.GroupNetBottleneck(32, 2, 16, bases=2), group, 2, (16, 16, 16)),
    "group wider": (lambda: blocks.GroupNetBottleneck(32, 1, 8, bases=2, gated=False), group, 1, (8,)),
}
every = pytest.mark.parametrize("name", CASES)


def made(name):
    make, _, _, channels = CASES[name]
    mx.random.seed(SEED)
    block = make()
    block.initialize()
    rng = np.random.default_rng(SEED)
    return block, Values(block), [rng.normal(size=(2, width, 7, 6)) for width in channels]


@every
def test_a_block_is_its_formula(name):
    block, values, inputs = made(name)
    _, formula, strides, _ = CASES[name]
    found = block(*map(mx.nd.array, inputs))
    expected = formula(values, strides, *inputs)
    assert len(found) == len(expected)
    for number, (left, right) in enumerate(zip(found, expected)):
        np.testing.assert_allclose(left.asnumpy(), right, rtol=1e-3, atol=1e-3, err_msg=str(number))


@every
def test_hybridized_gradients_and_lowerings(name):
    block, _, inputs = made(name)
    inputs = [mx.nd.array(x) for x in inputs]
    expected = [y.asnumpy() for y in block(*inputs)]
    if library.is_loaded():
        with nn.lowering("inference"):
            for left, right in zip(block(*inputs), expected):
                np.testing.assert_allclose(left.asnumpy(), right, rtol=1e-4, atol=1e-4)
    block.hybridize(static_alloc=True, static_shape=True)
    for left, right in zip(block(*inputs), expected):
        np.testing.assert_allclose(left.asnumpy(), right, rtol=1e-4, atol=1e-4)
    for x in inputs:
        x.attach_grad()
    with autograd.record():
        outputs = block(*inputs)
        loss = sum((y * mx.nd.random.normal(shape=y.shape)).sum() for y in outputs)
    loss.backward()
    gradients = {key: p.grad() for key, p in block.collect_params().items() if p.grad_req != "null"}
    for key, value in {**dict(enumerate(x.grad for x in inputs)), **gradients}.items():
        assert np.isfinite(value.asnumpy()).all(), key
        assert value.asnumpy().any(), key


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blocks.BiRealBottleneck(30, 1, 32), "multiples of 4, found 30 and 32"),
        (lambda: blocks.BiRealBottleneck(32), "found 32 and 0"),
        (lambda: blocks.GroupNetBottleneck(30, 1, 32), "multiple of 4, found 30"),
    ],
)
def test_arguments_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_narrow_map_has_to_be_there():
    block = blocks.BiRealBottleneck(8, 1, 8)
    block.initialize()
    with pytest.raises(ValueError, match=r"expected one narrow map .* entry=False, found 0"):
        block(mx.nd.zeros((1, 8, 4, 4)))
