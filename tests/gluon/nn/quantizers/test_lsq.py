"""LSQ: codes, and gradients of inputs and of the learned step, against NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn
from tests.support.quantizers import run

hybridized_or_not = pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])


def lsq_reference(x, step, low, high, heads, gain):
    """The step's gradient is the input's where a value is inside, and the limits' elsewhere."""
    quotient = x.astype(np.float64) / step
    inside = (quotient > low) & (quotient < high)
    codes = np.sign(quotient) * np.floor(np.abs(np.clip(quotient, low, high)) + 0.5)
    slope = np.where(inside, codes - np.where(inside, quotient, 0), codes)
    return codes, heads * inside, gain * (heads * slope).sum()


def lsq_grid(step, low, high):
    """Values around every limit, none close enough to a tie for float32 to decide otherwise."""
    x = np.random.RandomState(1).uniform(low - 2, high + 2, 300)
    x = x[np.abs(np.abs(x) % 1 - 0.5) > 1e-3] * step
    return np.concatenate([x, [0.0, -0.0, 1e6, -1e6, 3e38, -3e38, np.inf, -np.inf]]).astype(np.float32)


@hybridized_or_not
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_lsq_of_inputs(bits, hybridized, lowered):
    n, step = 2**bits - 1, np.float32(0.37)
    x = np.stack([lsq_grid(step, 0, n)] * 2)[:, None, None, :]
    heads = np.random.RandomState(2).randint(-3, 4, x.shape).astype(np.float32)
    layer = nn.QActivation(nn.LSQ(bits))
    layer.initialize()
    np.testing.assert_allclose(layer.input_step.data().asscalar(), 2 / np.sqrt(n), rtol=1e-6)
    layer.input_step.set_data(mx.nd.array([step]))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    codes, expected, of_step = lsq_reference(x, step, 0, n, heads, 1 / np.sqrt(x[0].size * n))
    np.testing.assert_array_equal(y, (codes * step).astype(np.float32))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    np.testing.assert_allclose(layer.input_step.grad().asscalar(), of_step, rtol=1e-3, atol=1e-3)


@hybridized_or_not
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_lsq_of_weights(bits, hybridized, lowered):
    m, step = 2 ** (bits - 1), np.float32(0.05)
    w = lsq_grid(step, -m, m - 1)[:240].reshape(3, -1)
    layer = nn.QDense(
        3, use_bias=False, in_units=80, weight_quantizer="lsq_weight", bits=bits, input_quantizer="identity"
    )
    layer.initialize()
    layer.weight.set_data(mx.nd.array(w))
    layer.weight_step.set_data(mx.nd.array([step]))
    random = np.random.RandomState(3)
    x, heads = random.randint(-3, 4, (2, 80)).astype(np.float32), random.randint(-3, 4, (2, 3))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    of_weight = heads.T @ x
    codes, expected, of_step = lsq_reference(w, step, -m, m - 1, of_weight, 1 / np.sqrt(w.size * (m - 1)))
    np.testing.assert_allclose(y, x @ codes.T * step, rtol=1e-6)
    np.testing.assert_allclose(gradient, heads @ codes * step, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.weight.grad().asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.weight_step.grad().asscalar(), of_step, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("step", [-0.5, 0.0])
def test_a_step_that_is_not_positive_counts_by_its_magnitude(step):
    x = mx.nd.array([[-1.0, 0.2, 0.9, 5.0]])
    codes = nn.LSQ(2).codes(mx.nd, x, step=mx.nd.array([[step]])).asnumpy()
    np.testing.assert_array_equal(codes, [[0, 0, 2, 3]] if step else [[0, 3, 3, 3]])
