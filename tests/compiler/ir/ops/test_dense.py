"""Fully connected layers against matrix products."""

from __future__ import annotations

import numpy as np

from tests.support.ir_operators import apply, run


def test_dense_layers() -> None:
    random = np.random.RandomState(5)
    x, weight = random.standard_normal((3, 65)), random.standard_normal((4, 65))
    bias = random.standard_normal(4)
    expected = np.array([[sum(a * b for a, b in zip(row, unit)) for unit in weight] for row in x]) + bias
    x32, weight32, bias32 = (array.astype(np.float32) for array in (x, weight, bias))
    np.testing.assert_allclose(
        apply("dense", x32, weight=weight32, bias=bias32), expected, rtol=1e-4, atol=1e-5
    )
    bits, binary_weight = np.where(x < 0, -1, 1).astype(np.int8), np.where(weight < 0, -1, 1).astype(np.int8)
    dots = [[sum(int(a) * int(b) for a, b in zip(row, unit)) for unit in binary_weight] for row in bits]
    np.testing.assert_array_equal(apply("binary_dense", bits, weight=binary_weight), dots)


def test_binary_weights_are_real_layers_with_signs() -> None:
    random = np.random.RandomState(2)
    x = random.standard_normal((2, 6, 5, 4)).astype(np.float32)
    weight = random.choice([-1, 1], (4, 3, 3, 3)).astype(np.int8)
    attrs = {"padding": [1, 1], "groups": 2}
    real = run("conv2d", "f32", x, attrs=attrs, weight=weight.astype(np.float32))[1]
    dtype, actual = run("binary_weight_conv2d", "f32", x, attrs=attrs, weight=weight)
    assert (dtype, actual.dtype) == ("f32", np.float32)
    np.testing.assert_array_equal(actual, real)
    x, weight = x.reshape(2, -1), random.choice([-1, 1], (4, 120)).astype(np.int8)
    np.testing.assert_array_equal(
        run("binary_weight_dense", "f32", x, weight=weight)[1],
        run("dense", "f32", x, weight=weight.astype(np.float32))[1],
    )
