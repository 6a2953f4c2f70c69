"""HORQ: terms and gradients against plain recursion in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def horq_reference(x, order, clip, heads):
    """Codes, scales, rests and the gradient of sum_i heads_i . H_i, of one sample."""
    rest, jacobian, gradient = x.astype(np.float64), np.ones(x.shape), np.zeros(x.shape)
    found = []
    for i in range(order):
        code, beta = sign(rest), np.abs(rest).mean()
        mask = np.abs(rest) <= clip
        found.append((code, beta, rest))
        gradient += heads[i] * mask * jacobian
        jacobian = jacobian * (1 - beta * mask)
        rest = rest - beta * code
    return found, rest, gradient


@pytest.mark.parametrize("order", range(1, 5))
@pytest.mark.parametrize("shape", [(3, 4, 5, 5), (3, 20)], ids=["image", "vector"])
@pytest.mark.parametrize("clip", [1.0, None])
def test_horq(clip, shape, order, lowered):
    random = np.random.RandomState(order)
    x = random.normal(size=shape).astype(np.float32)
    heads = random.normal(size=(order, *shape)).astype(np.float32)
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        terms = nn.HORQ(order, clip).terms(mx.nd, data)
        total = sum((codes * mx.nd.array(head)).sum() for (codes, _), head in zip(terms, heads))
    total.backward()
    assert len(terms) == order
    for sample in range(shape[0]):
        limit = np.inf if clip is None else clip
        found, _, gradient = horq_reference(x[sample], order, limit, heads[:, sample])
        for (codes, scale), (code, beta, rest) in zip(terms, found):
            clear = np.abs(rest) > 1e-5  # where the float32 rest has the same sign
            np.testing.assert_array_equal(codes[sample].asnumpy()[clear], code[clear])
            assert scale.shape == (shape[0], *(1,) * (len(shape) - 1))
            np.testing.assert_allclose(scale[sample].asnumpy().item(), beta, rtol=1e-5)
        np.testing.assert_allclose(data.grad[sample].asnumpy(), gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_each_order_of_horq_takes_n_beta_squared_off_the_error(seed):
    x = np.random.RandomState(seed).gamma(1.0, 2.0, size=(2, 3, 8, 8)).astype(np.float32) - 1
    terms = nn.HORQ(4).terms(mx.nd, mx.nd.array(x))
    rest = x.astype(np.float64)
    for codes, scale in terms:
        before = (rest**2).sum(axis=(1, 2, 3))
        rest = rest - codes.asnumpy() * scale.asnumpy()
        after = (rest**2).sum(axis=(1, 2, 3))
        n_beta_squared = rest[0].size * scale.asnumpy().ravel().astype(np.float64) ** 2
        np.testing.assert_allclose(after, before - n_beta_squared, rtol=1e-4)
        assert (after < before).all()


@pytest.mark.parametrize("order", [1, 2, 4])
def test_infinities_and_nan_leave_other_gradients_of_horq_alone(order, lowered):
    x = np.array([[0.5, np.inf, -0.25, np.nan, -np.inf, 3e38], [0.5, -1, 0.25, 2, 0.0, -0.0]], np.float32)
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        terms = nn.HORQ(order).terms(mx.nd, data)
        total = sum(codes.sum() for codes, _ in terms)
    total.backward()
    assert all(np.isfinite(part.asnumpy()).all() for term in terms for part in term)
    gradient = data.grad.asnumpy()
    assert np.isfinite(gradient).all()
    assert not gradient[0, [1, 3, 4, 5]].any()
    np.testing.assert_array_equal(terms[0].codes.asnumpy(), np.where(x < 0, -1, 1))


def test_horq_of_a_weight_is_its_filters_magnitude_first():
    w = np.random.RandomState(7).normal(size=(4, 3, 3, 3)).astype(np.float32)
    (codes, scale), _ = nn.HORQ(2).terms(mx.nd, mx.nd.array(w))
    np.testing.assert_array_equal(codes.asnumpy(), sign(w))
    np.testing.assert_allclose(scale.asnumpy().ravel(), np.abs(w).mean(axis=(1, 2, 3)), rtol=1e-5)
