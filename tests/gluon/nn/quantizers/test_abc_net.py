"""ABC-Net's quantizers: a least-squares fit of weights, learned thresholds of activations."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def abc_reference(w, terms):
    """Bases [terms, n] and alpha of one vector, by NumPy's least squares."""
    mean, deviation = w.mean(), w.std()
    shifts = [0.0] if terms == 1 else np.linspace(-1, 1, terms)
    bases = np.stack([sign(w - mean + u * deviation) for u in shifts])
    return bases, np.linalg.lstsq(bases.T, w, rcond=1e-6)[0]


def found_terms(quantizer, w, lowering="native"):
    with nn.lowering(lowering):
        return [[part.asnumpy() for part in term] for term in quantizer.terms(mx.nd, mx.nd.array(w))]


@pytest.mark.parametrize("terms", range(1, 9))
@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (5, 40)], ids=["conv", "dense"])
@pytest.mark.parametrize("per_filter", [False, True], ids=["layer", "filter"])
def test_abc_weights_are_the_least_squares_fit(per_filter, shape, terms):
    w = np.random.RandomState(terms).normal(0.1, 0.3, shape).astype(np.float32)
    found = found_terms(nn.ABCWeight(terms, per_filter), w)
    assert len(found) == terms
    groups = w.reshape(shape[0], -1) if per_filter else w.reshape(1, -1)
    for index, group in enumerate(groups.astype(np.float64)):
        bases, alpha = abc_reference(group, terms)
        scales = np.array([scale.ravel()[index] for _, scale in found])
        codes = np.stack([codes.reshape(len(groups), -1)[index] for codes, _ in found])
        np.testing.assert_array_equal(codes, bases)
        if np.linalg.matrix_rank(bases) == terms:
            np.testing.assert_allclose(scales, alpha, rtol=1e-4, atol=1e-5)
        # Also where bases coincide the fit is as good as the best one.
        best = np.linalg.norm(group - alpha @ bases)
        assert np.linalg.norm(group - scales @ codes) <= best * (1 + 1e-5)
    expected = (shape[0] if per_filter else 1, *(1,) * (len(shape) - 1))
    assert all(scale.shape == expected for _, scale in found)


def test_one_term_is_the_sign_around_the_mean():
    w = np.random.RandomState(0).normal(0.2, 1, (4, 3, 3, 3)).astype(np.float32)
    ((codes, scale),) = found_terms(nn.ABCWeight(1), w)
    np.testing.assert_array_equal(codes, sign(w - w.mean()))
    np.testing.assert_allclose(scale.item(), (w * codes).mean(), rtol=1e-5)


@pytest.mark.parametrize("terms", [2, 3, 5, 8])
@pytest.mark.parametrize(
    "w",
    [
        np.full((2, 3, 3, 3), 0.5, np.float32),
        np.zeros((2, 3, 3, 3), np.float32),
        np.array([0.25, -0.25] * 9, np.float32).reshape(2, 1, 3, 3),
        np.array([1.0] + [0.0] * 17, np.float32).reshape(2, 1, 3, 3),
    ],
    ids=["constant", "zeros", "two values", "one outlier"],
)
def test_arrays_that_coincide_share_alpha(w, terms):
    found = found_terms(nn.ABCWeight(terms), w)
    scales = np.array([scale.item() for _, scale in found])
    assert np.isfinite(scales).all()
    assert np.abs(scales).max() <= np.abs(w).max() + 1e-6
    for i in range(terms):
        for j in range(i):
            if np.array_equal(found[i][0], found[j][0]):
                np.testing.assert_allclose(scales[i], scales[j], atol=1e-6)
    bases, alpha = abc_reference(w.ravel().astype(np.float64), terms)
    fit = sum(codes * scale for codes, scale in found).ravel()
    np.testing.assert_allclose(fit, alpha @ bases, atol=1e-5)


def test_more_bases_fit_better():
    w = np.random.RandomState(5).normal(size=(8, 4, 3, 3)).astype(np.float32)
    errors = [
        np.linalg.norm(w - nn.ABCWeight(terms)(mx.nd, mx.nd.array(w)).asnumpy()) / np.linalg.norm(w)
        for terms in (1, 3, 5)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[0] == pytest.approx(np.sqrt(1 - 2 / np.pi), abs=0.05)  # of a normal distribution


def test_abc_weights_with_infinities_and_nan_have_finite_gradients(lowered):
    w = mx.nd.array(np.array([[0.5, np.inf, -0.25, np.nan, -np.inf, 1e38]], np.float32))
    w.attach_grad()
    quantizer = nn.ABCWeight(3)
    with nn.lowering(lowered), mx.autograd.record():
        terms = quantizer.terms(mx.nd, w)
        total = terms[0].codes + 2 * terms[1].codes + 3 * terms[2].codes
    total.backward()
    assert {-1.0, 1.0} >= set(np.unique(terms[0].codes.asnumpy()))
    np.testing.assert_array_equal(w.grad.asnumpy(), [[6, 0, 6, 0, 0, 6]])


@pytest.mark.parametrize("terms", [1, 3])
@pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])
def test_abc_activation(hybridized, terms, lowered):
    jumps = np.nextafter(np.array([0, 0.5, 1, 1.5, 2], np.float32), np.float32(9))
    special = [0.0, -0.0, 0.5, 1, -1, 1.5, -0.5, 2, np.inf, -np.inf, np.nan, 3e38]
    x = np.concatenate([special, jumps, -jumps, np.random.RandomState(6).normal(size=40)]).astype(np.float32)
    layer = nn.QActivation(nn.ABCActivation(terms))
    layer.initialize()
    betas = np.array([0.5, -2.0, 1.5][:terms], np.float32)
    shifts = np.array([0.0], np.float32) if terms == 1 else np.array([-1, 0, 1], np.float32)
    for n, beta in enumerate(betas):
        getattr(layer, f"input_step{n}").set_data(mx.nd.array([beta]))
        assert getattr(layer, f"input_shift{n}").data().asscalar() == shifts[n]
    if hybridized:
        layer.hybridize()
    data = mx.nd.array(x.reshape(1, 1, 1, -1))
    data.attach_grad()
    heads = np.arange(1, x.size + 1) % 7 - 3.0
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(heads.reshape(1, 1, 1, -1)))
    shifted = x + shifts[:, None]
    codes = sign(shifted - np.float32(0.5))
    np.testing.assert_allclose(y.asnumpy().ravel(), betas @ codes, rtol=1e-6)
    passes = (shifted >= 0) & (shifted <= 1)
    np.testing.assert_allclose(data.grad.asnumpy().ravel(), heads * (betas @ passes), rtol=1e-6)
    for n in range(terms):
        shift, scale = (getattr(layer, f"input_{name}{n}").grad().asscalar() for name in ("shift", "step"))
        np.testing.assert_allclose(shift, (heads * betas[n] * passes[n]).sum(), rtol=1e-5)
        np.testing.assert_allclose(scale, (heads * codes[n]).sum(), rtol=1e-5)
