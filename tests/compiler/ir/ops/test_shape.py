"""Operators that move elements."""

from __future__ import annotations

import itertools

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_LAST
from tests.support.ir_operators import apply, codes, run


def test_transpose_and_flatten() -> None:
    x = np.arange(2 * 24, dtype=np.float32).reshape(2, 2, 3, 4)
    moved = apply("transpose", x, attrs={"perm": [1, 2, 0]})
    assert moved.shape == (2, 3, 4, 2)
    assert all(
        moved[1, i, j, k] == x[1, k, i, j] for i, j, k in itertools.product(range(3), range(4), range(2))
    )
    np.testing.assert_array_equal(apply("flatten", x), x.reshape(2, 24))


def test_casts_flatten_and_bytes() -> None:
    random = np.random.RandomState(4)
    for dtype in ("bits", "u1", "u5", "u8"):
        x = codes(dtype, (2, 3, 2, 2), random)
        found, real = run("cast", dtype, x)
        assert (found, real.dtype) == ("f32", np.float32)
        np.testing.assert_array_equal(real, x)
        assert run("flatten", dtype, x)[0] == dtype
    image = codes("u8", (2, 3, 2, 4), random)
    found, moved = run("transpose", "bytes", image, attrs={"perm": [1, 2, 0]})
    assert found == "bytes"
    found, planes = run("to_planes", "bytes", moved, CHANNELS_LAST)
    assert found == "u8"
    for c, i, j in itertools.product(range(3), range(2), range(4)):
        np.testing.assert_array_equal(planes[:, i, j, c], image[:, c, i, j])
