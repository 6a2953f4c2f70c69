"""Values and gradients of quantizers are those of their docstrings, at every edge.

The expected gradients are written out in NumPy, in float64, on a grid that holds zeros of both signs, the
edges of every window with their next floats on both sides, huge values, infinities and NaN.
"""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn

HUGE = float(np.finfo(np.float32).max)


def grid(*edges):
    """Edges with both signs and their neighbors, and values in between."""
    edges = np.array([1e-30, 0.25, 0.5, 1, 1.5, 2, 3, 30, 1e30, *edges], np.float32)
    edges = np.concatenate(
        [np.nextafter(edges, np.float32(0)), edges, np.nextafter(edges, np.float32(np.inf))]
    )
    special = np.array([0.0, -0.0, HUGE, -HUGE, np.inf, -np.inf, np.nan], np.float32)
    return np.concatenate([special, edges, -edges, np.random.RandomState(4).normal(size=50)]).astype(
        np.float32
    )


def run(quantizer, x, lowered, hybridized):
    """Output and gradient, of heads 1, 2, ..."""
    layer = nn.QActivation(quantizer, in_channels=1)
    layer.initialize()
    if hybridized:
        layer.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(x.reshape(1, 1, 1, -1))
    data.attach_grad()
    for _ in range(2):
        with nn.lowering(lowered), mx.autograd.record():
            y = layer(data)
        y.backward(heads(x).reshape(1, 1, 1, -1))
    return y.asnumpy().ravel(), data.grad.asnumpy().ravel(), layer


def heads(x):
    return mx.nd.arange(1, x.size + 1)


def sign(x):
    return np.where(x < 0, -1, 1)


def window(limit):
    return lambda x: np.where(np.abs(x) <= limit, 1.0, 0.0)


def finite(x):
    return np.isfinite(x) * 1.0


def leaky(clip, slope):
    return lambda x: np.where(np.abs(x) <= clip, 1.0, slope) * np.isfinite(x)


def leaky_tanh(slope):
    return lambda x: np.maximum(1 - np.tanh(np.where(np.isfinite(x), x, 0)) ** 2, slope) * np.isfinite(x)


def approx(x):
    return np.where(np.abs(x) <= 1, 2 - 2 * np.abs(x), 0)


def swish(beta):
    def slope(x):
        z = np.where(np.abs(x) <= np.float32(80 / beta), beta * x, 0)
        inside = np.abs(x) <= np.float32(80 / beta)
        return np.where(inside, beta * (2 - z * np.tanh(z / 2)) / (1 + np.cosh(z)), 0)

    return slope


def fourier(terms, omega):
    def slope(x):
        inside = np.abs(x.astype(np.float32) * np.float32(omega)) < np.float32(np.pi)
        angle = omega * np.where(inside, x, 0)
        waves = sum(np.cos((2 * i + 1) * angle) for i in range(terms))
        return np.where(inside, 4 * omega / np.pi * waves, 0)

    return slope


#   quantizer, its slope, edges of its window
SIGNS = [
    (nn.DetSign(clip=0.0), window(0), []),
    (nn.DetSign(clip=1.3), window(np.float32(1.3)), [1.3]),
    (nn.DetSign(clip=None), finite, []),
    (nn.ApproxSign(), approx, []),
    (nn.RSign(), approx, []),
    (nn.SwishSign(), swish(5.0), [16]),
    (nn.SwishSign(beta=0.5), swish(0.5), [160]),
    (nn.LeakySign(), leaky(1, 0.1), []),
    (nn.LeakySign(clip=0.5, slope=0.0), leaky(0.5, 0.0), []),
    (nn.LeakySign(clip=None), finite, []),
    (nn.LeakyTanhSign(), leaky_tanh(0.1), []),
    (nn.LeakyTanhSign(slope=0.0), leaky_tanh(0.0), []),
    (nn.FourierSign(), fourier(10, 1.0), [np.pi]),
    (nn.FourierSign(terms=3, omega=2.0), fourier(3, 2.0), [np.pi / 2]),
]


@pytest.mark.parametrize(
    ("quantizer", "slope", "edges"),
    SIGNS,
    ids=lambda value: repr(value) if isinstance(value, nn.Quantizer) else "",
)
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_signs(quantizer, slope, edges, hybridized, lowered):
    x = grid(*edges)
    y, gradient, _ = run(quantizer, x, lowered, hybridized)
    np.testing.assert_array_equal(y, sign(x))
    with np.errstate(invalid="ignore", over="ignore"):
        expected = slope(x.astype(np.float64)) * np.arange(1, x.size + 1)
    assert not gradient[expected == 0].any()
    np.testing.assert_allclose(gradient, expected, rtol=2e-5, atol=2e-3)


def round_away(x):
    """To the nearest integer, halves away from zero; the sum is exact in float64."""
    return np.sign(x) * np.floor(np.abs(x).astype(np.float64) + 0.5)


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_dorefa(bits, hybridized, lowered):
    x = np.concatenate([grid(), np.arange(0, 2**bits, dtype=np.float32) / (2**bits - 1)])
    x = x[~np.isnan(x)].astype(np.float32)
    y, gradient, _ = run(nn.DoReFa(bits), x, lowered, hybridized)
    with np.errstate(over="ignore"):
        n = np.float32(2**bits - 1)
        codes = round_away(np.clip(x * n, 0, n)).astype(np.float32)
    np.testing.assert_array_equal(y, codes * np.float32(1 / n))
    passes = (x >= 0) & (x <= 1)
    np.testing.assert_allclose(gradient, np.arange(1, x.size + 1) * passes, rtol=1e-6)


def test_nan_has_no_gradient_and_stays_where_it_is(lowered):
    x = np.array([0.25, np.nan, 0.75], np.float32)
    for quantizer in (nn.DoReFa(4), nn.LSQ(4), nn.SteHeaviside(), nn.ABCActivation(), nn.HORQ()):
        y, gradient, layer = run(quantizer, x, lowered, False)
        assert np.isfinite(y[[0, 2]]).all()
        assert np.isfinite(gradient).all()
        assert gradient[1] == 0
        for item in quantizer.learned:
            found = getattr(layer, f"input_{item.name}").grad().asnumpy()
            # A step is multiplied with the code, which is NaN in MXNet; all others are masked.
            assert np.isfinite(found).all() or item.name == "step"


def test_pixels_are_their_codes(lowered):
    pixels = np.arange(256, dtype=np.float32)
    codes = nn.Pixels().codes(mx.nd, mx.nd.array(pixels / np.float32(255))).asnumpy()
    np.testing.assert_array_equal(codes, pixels)
    assert nn.QConv2D(4, 3, input_quantizer="pixels", input_bits=8).quantizers[0].bits == 8


@pytest.mark.parametrize("clip", [0.0, 0.5, 1.0, None])
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_ste_heaviside(clip, hybridized, lowered):
    x = grid()
    y, gradient, _ = run(nn.SteHeaviside(clip), x, lowered, hybridized)
    np.testing.assert_array_equal(y, np.where(x < 0, 0, 1))
    passes = np.isfinite(x) if clip is None else np.abs(x) <= clip
    np.testing.assert_array_equal(gradient, np.arange(1, x.size + 1) * passes)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_wrpn_weight(bits, hybridized, lowered):
    x = grid()
    x = x[~np.isnan(x)]
    y, gradient, _ = run(nn.WrpnWeight(bits), x, lowered, hybridized)
    n = np.float32(2 ** (bits - 1) - 1)
    codes = round_away(np.clip(x, -1, 1) * n).astype(np.float32)
    np.testing.assert_array_equal(y, codes * np.float32(1 / n))
    np.testing.assert_allclose(gradient, np.arange(1, x.size + 1) * (np.abs(x) <= 1), rtol=1e-6)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_dorefa_weight(bits, hybridized, lowered):
    x = grid()
    x = x[np.abs(x) < 5]
    y, gradient, _ = run(nn.DoReFaWeight(bits), x, lowered, hybridized)
    n = 2**bits - 1
    squashed = np.tanh(x.astype(np.float64))
    largest = np.abs(squashed).max()
    exact = (squashed / largest + 1) * n / 2
    codes = 2 * np.floor(exact + 0.5) - n
    clear = (
        np.abs(exact + 0.5 - np.round(exact + 0.5)) > 1e-5
    )  # not a tie that float32 may decide differently
    np.testing.assert_allclose(y[clear], codes[clear] / n, rtol=1e-6)
    assert clear.mean() > 0.9
    assert set(np.unique(np.round(y * n))) <= set(range(-n, n + 1, 2))
    expected = (1 - squashed**2) / largest * np.arange(1, x.size + 1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_zeros_stay_finite(lowered):
    for quantizer in (
        nn.DoReFaWeight(4),
        nn.LSQWeight(4),
        nn.ABCWeight(3),
        nn.HORQ(),
        nn.TanhSign(rescale="max"),
        nn.TanhSign(rescale="std"),
    ):
        y, gradient, _ = run(quantizer, np.zeros(6, np.float32), lowered, False)
        assert np.isfinite(y).all()
        assert np.isfinite(gradient).all()
