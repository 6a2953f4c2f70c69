"""BoolNet's blocks: bits between the layers, against their formulas in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from bmx.gluon import library, nn
from bmx.gluon.nn import blocks
from bmx.gluon.nn.blocks.boolnet import edge_pad, either, ghost_offsets, xnor

SEED = 71


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def conv(x, w, stride=1, groups=1):
    """Valid cross-correlation."""
    kernel = w.shape[2]
    parts = []
    for a, b in zip(np.split(x, groups, axis=1), np.split(w, groups)):
        view = np.lib.stride_tricks.sliding_window_view(a, (kernel, kernel), axis=(2, 3))
        parts.append(np.einsum("nchwkl,ockl->nohw", view[:, :, ::stride, ::stride], b))
    return np.concatenate(parts, axis=1)


def edge(x):
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")


class Values:
    """A block's parameters, random, by the names under which they are saved."""

    def __init__(self, block):
        rng = np.random.default_rng(SEED)
        self.of = {}
        for name, parameter in block._collect_params_with_prefix().items():
            if "temperature" in name:
                continue
            low, high = (0.2, 1.5) if name.endswith(("gamma", "var")) else (-0.7, 0.7)
            parameter.set_data(mx.nd.array(rng.uniform(low, high, parameter.shape)))
            self.of[name] = parameter.data().asnumpy().astype(np.float64)

    def binary(self, x, name, **arguments):
        """Signs of the weights times their mean magnitude."""
        weight = self.of[f"{name}.weight"]
        y = conv(x, sign(weight), **arguments) * np.abs(weight).mean(axis=(1, 2, 3)).reshape(1, -1, 1, 1)
        bias = self.of.get(f"{name}.bias")
        return y if bias is None else y + bias.reshape(1, -1, 1, 1)

    def norm(self, x, name):
        gamma, beta, mean, variance = (
            self.of[f"{name}.{part}"].reshape(1, -1, 1, 1)
            for part in ("gamma", "beta", "running_mean", "running_var")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def ghost(x, slices):
    """[batch, slices, channels, height, width]"""
    return np.stack([sign(x + offset) for offset in ghost_offsets(slices)], axis=1)


def joined(x):
    return x.reshape(x.shape[0], -1, *x.shape[3:])


def reference(values, x, channels, strides, slices, last):
    """A block on [batch, slices, channels of a slice, height, width], as its docstring says."""
    splits = strides == 1 and x.shape[2] == 2 * channels
    passed = x[:, :, channels:] if splits else None
    x = x[:, :, :channels] if splits else x
    residual = x
    if strides != 1 or x.shape[2] != channels:
        wide = values.binary(joined(x), "downsample.0")
        if strides != 1:
            height, width = wide.shape[2:]
            padded = np.pad(wide, ((0, 0), (0, 0), (0, height % 2), (0, width % 2)), constant_values=-np.inf)
            wide = conv_max(padded)
        number = 2 if strides != 1 else 1
        residual = ghost(values.norm(wide, f"downsample.{number}"), slices)
    y = values.norm(values.binary(edge(joined(x)), "conv1", stride=strides, groups=slices), "norm1")
    y = ghost(y, slices)
    y = np.where(y == residual, 1.0, -1.0)
    z = values.norm(values.binary(edge(joined(y)), "conv2", groups=slices), "norm2")
    if last:
        return z + values.norm(y.mean(axis=1), "norm3")
    z = ghost(z, slices)
    z = np.where((z > 0) | (residual > 0), 1.0, -1.0)
    passed = residual if passed is None else passed
    batch, _, _, height, width = z.shape
    return joined(np.stack([z, passed], axis=3).reshape(batch, slices, 2 * channels, height, width))


def conv_max(x):
    batch, channels, height, width = x.shape
    return x.reshape(batch, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))


# channels, strides, input channels of a slice, slices, last
CASES = {
    "first": (8, 1, 8, 4, False),
    "halves": (8, 1, 16, 4, False),
    "strided": (8, 2, 6, 4, False),
    "wider": (12, 1, 8, 2, False),
    "one slice": (8, 1, 16, 1, False),
    "last": (8, 1, 16, 4, True),
}
every = pytest.mark.parametrize("name", CASES)


def made(name):
    channels, strides, inputs, slices, last = CASES[name]
    mx.random.seed(SEED)
    block = blocks.BoolNetBlock(channels, strides, inputs, slices, last)
    block.initialize()
    bits = sign(np.random.default_rng(SEED).normal(size=(2, slices * inputs, 7, 6)))
    return block, Values(block), bits


@every
def test_a_block_is_its_formula(name):
    block, values, bits = made(name)
    channels, strides, inputs, slices, last = CASES[name]
    expected = reference(values, bits.reshape(2, slices, inputs, 7, 6), channels, strides, slices, last)
    found = block(mx.nd.array(bits)).asnumpy()
    if last:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    else:
        assert set(np.unique(found)) == {-1, 1}
        # A sign may differ where a real sum is within rounding of a threshold: none in this data.
        np.testing.assert_array_equal(found, expected)


@every
def test_hybridized_saved_and_gradients(name, tmp_path):
    block, _, bits = made(name)
    x = mx.nd.array(bits)
    expected = block(x)
    block.save_parameters(str(tmp_path / "block.params"))
    block.hybridize(static_alloc=True, static_shape=True)
    block.load_parameters(str(tmp_path / "block.params"))
    np.testing.assert_array_equal(block(x).asnumpy(), expected.asnumpy())
    x.attach_grad()
    with autograd.record():
        loss = (block(x) * mx.nd.random.normal(shape=expected.shape)).sum()
    loss.backward()
    grads = {key: p.grad().asnumpy() for key, p in block.collect_params().items() if p.grad_req != "null"}
    for key, value in {"x": x.grad.asnumpy(), **grads}.items():
        assert np.isfinite(value).all(), key
        # A batch norm subtracts the bias in front of it.
        assert value.any() or key.endswith("bias"), key


@every
def test_lowerings_agree(name):
    if not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built, so the operator lowering is not tested")
    block, _, bits = made(name)
    expected = block(mx.nd.array(bits)).asnumpy()
    for lowering in ("operator", "inference"):
        with nn.lowering(lowering):
            np.testing.assert_allclose(block(mx.nd.array(bits)).asnumpy(), expected, rtol=1e-4, atol=1e-4)


def test_offsets():
    assert ghost_offsets(1) == (0,)
    np.testing.assert_allclose(ghost_offsets(2), [-1 / 2, 1 / 2])
    np.testing.assert_allclose(ghost_offsets(4), [-2 / 3, -1 / 3, 1 / 3, 2 / 3])


def test_ghost_sign_passes_gradients_where_a_shifted_value_is_within_one():
    x = mx.nd.array([-2.0, -1.5, -0.5, 0.0, 1 / 3, 1.2, 1.8]).reshape(1, 1, 1, 7)
    sign_of = blocks.GhostSign(4)
    x.attach_grad()
    with autograd.record():
        y = sign_of(x)
    y.backward(mx.nd.array([1, 10, 100, 1000]).reshape(1, 4, 1, 1).broadcast_to((1, 4, 1, 7)))
    shifted = x.asnumpy() + np.float32([-2 / 3, -1 / 3, 1 / 3, 2 / 3]).reshape(1, 4, 1, 1)
    np.testing.assert_array_equal(y.asnumpy(), sign(shifted))
    weights = np.array([1, 10, 100, 1000]).reshape(1, 4, 1, 1)
    expected = (weights * (np.abs(shifted) <= 1)).sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(x.grad.asnumpy(), expected)


def test_logic_and_its_gradients():
    x, y = mx.nd.array([-1, -1, 1, 1]), mx.nd.array([-1, 1, -1, 1])
    x.attach_grad()
    y.attach_grad()
    with autograd.record():
        z = either(mx.nd, x, y)
    z.backward()
    np.testing.assert_array_equal(z.asnumpy(), [-1, 1, 1, 1])
    np.testing.assert_array_equal(x.grad.asnumpy(), [1, 1, 1, 0])
    np.testing.assert_array_equal(y.grad.asnumpy(), [1, 1, 1, 0])
    np.testing.assert_array_equal(xnor(x, y).asnumpy(), [1, -1, -1, 1])


@pytest.mark.parametrize("width", [1, 2])
def test_edges_are_repeated_and_get_all_gradients(width):
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    x = mx.nd.array(values)
    x.attach_grad()
    expected = np.pad(values, ((0, 0), (0, 0), (width, width), (width, width)), mode="edge")
    weights = rng.integers(-9, 9, size=expected.shape).astype(np.float32)
    with autograd.record():
        y = edge_pad(mx.nd, x, width)
    y.backward(mx.nd.array(weights))
    np.testing.assert_array_equal(y.asnumpy(), expected)
    rows = np.clip(np.arange(-width, 4 + width), 0, 3)
    columns = np.clip(np.arange(-width, 5 + width), 0, 4)
    gradient = np.zeros_like(values)
    np.add.at(gradient, (slice(None), slice(None), rows[:, None], columns), weights)
    np.testing.assert_array_equal(x.grad.asnumpy(), gradient)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blocks.GhostSign(3), "slices: expected 1 or an even number, found 3"),
        (lambda: blocks.BoolNetBlock(6, in_channels=6), "multiple of slices=4.*found 6 and 6"),
        (lambda: blocks.BoolNetBlock(8), "found 8 and 0"),
    ],
)
def test_arguments_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()
