"""bmx._core's kernels against plain NumPy, on every instruction set of this machine."""

from __future__ import annotations

import itertools
import pickle
import threading

import numpy as np
import pytest

from bmx import _core

CHANNELS = (1, 3, 31, 32, 33, 63, 64, 65, 127, 128, 160)


@pytest.fixture(params=_core.isas())
def isa(request):
    return request.param


def signs(rng, *shape):
    return rng.choice(np.array([-1, 1], dtype=np.float32), size=shape)


def pack(x):
    """Bits along the last axis, least significant first."""
    return np.packbits(~(x < 0), axis=-1, bitorder="little")


def conv2d(x, w, strides=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, pad_value=0):
    """Cross-correlation in float64: x [N, H, W, I], w [O, KH, KW, I / groups] -> [N, H', W', O]."""
    outputs, kernel_h, kernel_w, depth = w.shape
    pads = ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0))
    x = np.pad(x.astype(np.float64), pads, constant_values=pad_value)
    out_h = (x.shape[1] - dilation[0] * (kernel_h - 1) - 1) // strides[0] + 1
    out_w = (x.shape[2] - dilation[1] * (kernel_w - 1) - 1) // strides[1] + 1
    out = np.zeros((x.shape[0], out_h, out_w, outputs))
    lanes = outputs // groups
    for group, kh, kw in itertools.product(range(groups), range(kernel_h), range(kernel_w)):
        rows = slice(kh * dilation[0], kh * dilation[0] + (out_h - 1) * strides[0] + 1, strides[0])
        columns = slice(kw * dilation[1], kw * dilation[1] + (out_w - 1) * strides[1] + 1, strides[1])
        patch = x[:, rows, columns, group * depth : (group + 1) * depth]
        span = slice(group * lanes, (group + 1) * lanes)
        out[..., span] += patch @ w[span, kh, kw].T.astype(np.float64)
    return out


def check_binary(isa, seed, in_shape, outputs, kernel, groups=1, pad_value=0, **geometry):
    rng = np.random.default_rng(seed)
    x = signs(rng, *in_shape)
    w = signs(rng, outputs, *kernel, in_shape[-1] // groups)
    y = _core.binary_conv2d(
        pack(x), pack(w), in_shape[-1], groups=groups, pad_value=pad_value, isa=isa, **geometry
    )
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, conv2d(x, w, groups=groups, pad_value=pad_value, **geometry))


def test_isas_are_a_part_of_the_build():
    assert _core.isas()[-1] == _core.built_isas()[-1] == "scalar"
    assert [name for name in _core.built_isas() if name in _core.isas()] == _core.isas()


@pytest.mark.parametrize("channels", CHANNELS)
def test_pack_and_unpack(isa, channels):
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((2, 3, channels)).astype(np.float32)
    x.flat[::5] = np.resize(np.array([0.0, -0.0, np.nan, np.inf, -np.inf], np.float32), x.flat[::5].size)
    bits = _core.pack(x, isa=isa)
    np.testing.assert_array_equal(bits, pack(x))
    np.testing.assert_array_equal(_core.unpack(bits, channels), np.where(x < 0, -1, 1))


def test_pack_takes_strided_views(isa):
    x = np.random.default_rng(0).standard_normal((6, 10, 66)).astype(np.float32)
    np.testing.assert_array_equal(_core.pack(x[::2, :, ::-3], isa=isa), pack(x[::2, :, ::-3]))
    np.testing.assert_array_equal(_core.pack(x.T, isa=isa), pack(x.T))


@pytest.mark.parametrize("k", CHANNELS)
@pytest.mark.parametrize(("rows", "outputs"), [(1, 1), (4, 33), (13, 70)])
def test_binary_gemm(isa, k, rows, outputs):
    rng = np.random.default_rng(k)
    a, b = signs(rng, rows, k), signs(rng, outputs, k)
    np.testing.assert_array_equal(_core.binary_gemm(pack(a), pack(b), k, isa=isa), a @ b.T)


def test_binary_gemm_ignores_bits_past_k(isa):
    a, b = np.array([[0xFF]], np.uint8), np.array([[0x07]], np.uint8)
    assert _core.binary_gemm(a, b, 3, isa=isa) == 3


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_binary_conv2d_channels_and_kernels(isa, channels, kernel, pad_value):
    padding = (kernel // 2, kernel // 2)
    check_binary(isa, 1, (2, 7, 8, channels), 9, (kernel, kernel), pad_value=pad_value, padding=padding)


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 2)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 2), (0, 2)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_binary_conv2d_geometry(isa, strides, padding, dilation, pad_value):
    geometry = {"strides": strides, "padding": padding, "dilation": dilation}
    check_binary(isa, 2, (3, 9, 11, 33), 5, (3, 3), pad_value=pad_value, **geometry)


@pytest.mark.parametrize("channels", [2, 6, 64, 66, 128, 160])
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("pad_value", [0, 1, -1])
def test_binary_conv2d_groups(isa, channels, depthwise, pad_value):
    groups = channels if depthwise else 2
    check_binary(isa, 3, (1, 5, 6, channels), 2 * channels, (3, 3), groups, pad_value, padding=(1, 1))


@pytest.mark.parametrize("groups", [1, 3])
def test_float_conv2d(isa, groups):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, 9, 8, 6)).astype(np.float32)
    w = rng.standard_normal((9, 3, 3, 6 // groups)).astype(np.float32)
    bias = rng.standard_normal(9).astype(np.float32)
    geometry = {"strides": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": groups}
    y = _core.float_conv2d(x, w, bias, isa=isa, **geometry)
    np.testing.assert_allclose(y, conv2d(x, w, **geometry) + bias, rtol=1e-5, atol=1e-5)
    scalar = _core.float_conv2d(x, w, bias, isa="scalar", **geometry)
    assert y.tobytes() == scalar.tobytes()


def test_float_conv2d_without_bias(isa):
    x = np.ones((1, 2, 2, 3), np.float32)
    w = np.full((2, 2, 2, 3), 0.5, np.float32)
    np.testing.assert_array_equal(_core.float_conv2d(x, w, isa=isa), np.full((1, 1, 1, 2), 6.0))


def test_empty_batch(isa):
    w = pack(np.ones((4, 3, 3, 8), np.float32))
    assert _core.binary_conv2d(np.empty((0, 5, 5, 1), np.uint8), w, 8, isa=isa).shape == (0, 3, 3, 4)


def test_threads_get_the_same_answer(isa):
    rng = np.random.default_rng(5)
    x, w = pack(signs(rng, 2, 16, 16, 64)), pack(signs(rng, 32, 3, 3, 64))
    expected = _core.binary_conv2d(x, w, 64, isa=isa)
    results = [None] * 4

    def work(i):
        results[i] = _core.binary_conv2d(x, w, 64, isa=isa)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


X = np.zeros((1, 4, 4, 1), np.uint8)
W = np.zeros((2, 3, 3, 1), np.uint8)
F = np.zeros((1, 4, 4, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _core.pack(F, isa="foo"), r"unknown ISA 'foo'; this build has .*scalar"),
        (lambda: _core.pack(F.astype(np.float64)), "x must have dtype float32, found float64"),
        (lambda: _core.pack(np.array(1, np.float32)), r"x must have at least 1 axis, found shape \(\)"),
        (lambda: _core.pack(F[..., :0]), "x must have at least 1 channel"),
        (lambda: _core.unpack(X, 9), r"bits must have 2 entries on axis 3, found shape \(1, 4, 4, 1\)"),
        (lambda: _core.unpack(X, 0), "channels must be at least 1, found 0"),
        (lambda: _core.binary_gemm(X, X, 8), r"a must have 2 axes, found shape \(1, 4, 4, 1\)"),
        (lambda: _core.binary_gemm(X[0, 0], X[0, 0], 9), "a must have 2 entries on axis 1"),
        (lambda: _core.binary_gemm(X[0, 0], X[0, 0], 0), "k must be between 1 and 2147483647, found 0"),
        (lambda: _core.binary_conv2d(X, W, 9), "x must have 2 entries on axis 3"),
        (lambda: _core.binary_conv2d(X, W, 8, groups=3), "groups must divide both channel counts"),
        (lambda: _core.binary_conv2d(X, W, 8, pad_value=2), "pad_value must be 0, 1 or -1, found 2"),
        (lambda: _core.binary_conv2d(X, W, 8, strides=(0, 1)), "stride height must be between 1"),
        (lambda: _core.binary_conv2d(X, W, 8, padding=(-1, 0)), "padding height must be between 0"),
        (lambda: _core.binary_conv2d(X, W, 8, dilation=(2, 1)), "the dilated kernel must fit"),
        (lambda: _core.binary_conv2d(X, W[:0], 8), "output channels must be between 1"),
        (lambda: _core.binary_conv2d(X, W, -8), "input channels must be between 1"),
        (lambda: _core.float_conv2d(F, F[:, :3, :3, :2]), "w must have 3 entries on axis 3"),
        (lambda: _core.float_conv2d(F, F[:, :3, :3], F[0, 0, 0]), "bias must have 1 entries on axis 0"),
    ],
)
def test_bad_input_is_a_value_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", sorted(set(_core.built_isas()) - set(_core.isas())))
def test_an_isa_that_the_cpu_lacks_is_an_error(name):
    with pytest.raises(ValueError, match=f"ISA '{name}' is not supported by this CPU; it supports"):
        _core.pack(F, isa=name)


def test_arrays_from_other_processes_are_accepted() -> None:
    """Their dtype is equal to NumPy's own float32, but another object."""
    x = np.random.RandomState(0).standard_normal((2, 9)).astype(np.float32)
    np.testing.assert_array_equal(_core.pack(pickle.loads(pickle.dumps(x))), _core.pack(x))
