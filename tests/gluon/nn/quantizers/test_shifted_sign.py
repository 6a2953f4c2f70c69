"""The sign that learns its threshold."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn
from tests.support.quantizers import run

hybridized_or_not = pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])


@hybridized_or_not
def test_rsign_learns_a_shift_a_channel(hybridized, lowered):
    random = np.random.RandomState(0)
    x = random.normal(size=(2, 3, 4, 5)).astype(np.float32)
    x[0, 0, 0] = [np.inf, -np.inf, np.nan, 3e38, -3e38]
    heads = random.randint(-3, 4, x.shape).astype(np.float32)
    shift = np.array([0.25, -0.5, 0.0], np.float32)
    layer = nn.QActivation("rsign", in_channels=3)
    layer.initialize()
    assert not layer.input_shift.data().asnumpy().any()
    layer.input_shift.set_data(mx.nd.array(shift))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    shifted = x + shift.reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(y, np.where(shifted < 0, -1, 1))
    inside = np.abs(shifted) <= 1
    expected = np.where(inside, 2 - 2 * np.abs(np.where(inside, shifted, 0)), 0) * heads
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)
    found = layer.input_shift.grad().asnumpy()
    np.testing.assert_allclose(found, expected.sum(axis=(0, 2, 3)), rtol=1e-4, atol=1e-5)
