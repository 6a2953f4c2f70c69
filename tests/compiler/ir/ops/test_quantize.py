"""Thresholds, codes and bytes: how they compare, round, and treat NaN."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST
from tests.support.ir_operators import apply, run


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_threshold_compares_each_channel(dtype: type) -> None:
    x = np.random.RandomState(6).randint(-3, 4, (2, 4, 3, 3)).astype(dtype)
    threshold, flip = np.array([0, 0, 2, -1], dtype=dtype), np.array([False, True, False, True])
    actual = apply("threshold", x, threshold=threshold, flip=flip)
    for channel in range(4):
        for value, bit in zip(x[:, channel].ravel(), actual[:, channel].ravel()):
            wrong = value > threshold[channel] if flip[channel] else value < threshold[channel]
            assert bit == (-1 if wrong else 1)


def test_threshold_of_nan_is_plus_one() -> None:
    x = np.full((1, 2), np.nan, dtype=np.float32)
    bits = apply("threshold", x, threshold=np.float32([np.inf, -np.inf]), flip=np.array([False, True]))
    np.testing.assert_array_equal(bits, [[1, 1]])


@pytest.mark.parametrize("dtype", ["f32", "i32"])
@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
def test_quantize_counts_thresholds(dtype: str, layout: str) -> None:
    array = np.float32 if dtype == "f32" else np.int32
    random = np.random.RandomState(3)
    x = random.randint(-9, 10, (2, 3, 4, 5)).astype(array)
    threshold = np.sort(random.randint(-8, 9, (7, 3)), axis=0).astype(array)
    threshold[:2, 0], threshold[6, 1] = threshold[0, 0], 100
    flip = np.array([False, True, False])
    moved = x if layout == CHANNELS_FIRST else x.transpose(0, 2, 3, 1)
    found, actual = run("quantize", dtype, moved, layout, {"bits": 3}, threshold=threshold, flip=flip)
    assert (found, actual.dtype) == ("u3", np.uint8)
    actual = actual if layout == CHANNELS_FIRST else actual.transpose(0, 3, 1, 2)
    for index in np.ndindex(*x.shape):
        count = sum(not x[index] < t for t in threshold[:, index[1]])
        assert actual[index] == (7 - count if flip[index[1]] else count)


def test_quantize_of_nan_passes_every_threshold() -> None:
    x = np.full((1, 2), np.nan, dtype=np.float32)
    threshold = np.float32([[-np.inf, 0], [0, 1], [np.inf, np.inf]])
    flip = np.array([False, True])
    np.testing.assert_array_equal(
        run("quantize", "f32", x, attrs={"bits": 2}, threshold=threshold, flip=flip)[1], [[3, 0]]
    )


@pytest.mark.parametrize("bits", range(1, 9))
def test_code_is_mxnets_round_of_clip(bits: int) -> None:
    largest = 2**bits - 1
    halves = np.arange(-3, 2 * largest + 6, dtype=np.float32) / 2
    near = np.concatenate(
        [halves, np.nextafter(halves, np.float32(-9)), np.nextafter(halves, np.float32(999))]
    )
    x = np.concatenate([near, np.float32([0.49999997, -0.0, 1e-40, np.inf, -np.inf, 3e38])])[np.newaxis]
    dtype, actual = run("code", "f32", x, attrs={"bits": bits})
    assert (dtype, actual.dtype) == (f"u{bits}", np.uint8)
    np.testing.assert_array_equal(actual, mx.nd.round(mx.nd.clip(mx.nd.array(x), 0, largest)).asnumpy())
