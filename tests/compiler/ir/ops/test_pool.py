"""Pooling against MXNet's."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST
from tests.support.ir_operators import apply

POOLINGS = [
    # size, kernel, strides, padding
    ((4, 4), (2, 2), (2, 2), (0, 0)),
    ((7, 6), (3, 2), (2, 2), (1, 1)),
    ((9, 6), (3, 3), (2, 3), (0, 1)),
    ((5, 5), (5, 5), (1, 1), (2, 2)),
]


@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("kind", ["max", "avg", "avg_inside"])
@pytest.mark.parametrize("geometry", POOLINGS, ids=str)
def test_pooling_is_mxnets(geometry: tuple, kind: str, ceil_mode: bool, layout: str) -> None:
    size, kernel, strides, padding = geometry
    x = np.random.RandomState(2).standard_normal((2, 3, *size)).astype(np.float32)
    expected = mx.nd.Pooling(
        mx.nd.array(x),
        kernel=kernel,
        stride=strides,
        pad=padding,
        pool_type=kind[:3],
        pooling_convention="full" if ceil_mode else "valid",
        count_include_pad=kind == "avg",
    ).asnumpy()
    attrs = {
        "kernel": list(kernel),
        "strides": list(strides),
        "padding": list(padding),
        "ceil_mode": ceil_mode,
    }
    if kind != "max":
        attrs["count_include_pad"] = kind == "avg"
    x = x if layout == CHANNELS_FIRST else x.transpose(0, 2, 3, 1)
    actual = apply(f"{kind[:3]}_pool2d", x, layout, attrs)
    actual = actual if layout == CHANNELS_FIRST else actual.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(actual, expected, rtol=0 if kind == "max" else 1e-5, atol=1e-7)


def test_max_pool2d_of_bits_is_or_and_of_integers_exact() -> None:
    random = np.random.RandomState(3)
    numbers = random.randint(-9, 10, (2, 3, 7, 7)).astype(np.int32)
    attrs = {"kernel": [3, 3], "strides": [2, 2], "padding": [1, 1]}
    pooled = apply("max_pool2d", numbers, attrs=attrs)
    bits = np.where(numbers >= 4, 1, -1).astype(np.int8)
    np.testing.assert_array_equal(apply("max_pool2d", bits, attrs=attrs), np.where(pooled >= 4, 1, -1))
    as_floats = apply("max_pool2d", numbers.astype(np.float32), attrs=attrs)
    np.testing.assert_array_equal(pooled, as_floats)
