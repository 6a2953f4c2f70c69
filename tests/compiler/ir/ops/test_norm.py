"""Batch norm has MXNet's bits."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from tests.support.ir_operators import apply


@pytest.mark.parametrize("shape", [(64, 5), (2, 5, 3, 4), (4, 64, 9, 16)])
def test_batch_norm_has_mxnets_bits(shape: tuple) -> None:
    random = np.random.RandomState(4)
    channels = shape[1]
    x = (random.standard_normal(shape) * 100).astype(np.float32)
    gamma, beta, mean = (random.standard_normal(channels).astype(np.float32) for _ in range(3))
    variance = random.uniform(0.1, 300, channels).astype(np.float32)
    gamma[0] = 0
    arrays = [mx.nd.array(array) for array in (x, gamma, beta, mean, variance)]
    expected = mx.nd.BatchNorm(*arrays, eps=1e-5, fix_gamma=False).asnumpy()
    actual = apply(
        "batch_norm", x, attrs={"epsilon": 1e-5}, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    np.testing.assert_array_equal(actual, expected)
