"""The arithmetic of the IR against exact rational numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bmx.compiler.ir.numerics import float32_from_rank, fused_multiply_add, rank_of_float32, sign


def test_sign_of_zeros_and_nan_is_plus_one() -> None:
    x = np.array([-np.inf, -1e-45, -0.0, 0.0, 1e-45, np.inf, np.nan], dtype=np.float32)
    np.testing.assert_array_equal(sign(x), [-1, -1, 1, 1, 1, 1, 1])


def nearest_float32(exact: Fraction) -> np.float32:
    """Round a rational number to float32, ties to even, by comparing with the neighbors."""
    guess = np.float32(float(exact))
    candidates = [np.nextafter(guess, np.float32(-np.inf)), guess, np.nextafter(guess, np.float32(np.inf))]
    return min(candidates, key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.int32)) & 1))


def test_fused_multiply_add_rounds_once() -> None:
    random = np.random.RandomState(0)
    x, y = (random.standard_normal(2000).astype(np.float32) for _ in range(2))
    z = (random.standard_normal(2000) * 2.0 ** random.randint(-40, 10, 2000)).astype(np.float32)
    exact = [Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)) for a, b, c in zip(x, y, z)]
    expected = np.array([nearest_float32(value) for value in exact])
    np.testing.assert_array_equal(fused_multiply_add(x, y, z), expected)


def test_fused_multiply_add_where_rounding_twice_goes_wrong() -> None:
    # x * y = 1 + 2^-11 + 2^-24 is half-way between two float32 numbers.
    # z decides, but float64 cannot hold the sum.
    x = np.float32([1 + 2.0**-12])
    for z, expected in ((2.0**-90, 1 + 2.0**-11 + 2.0**-23), (-(2.0**-90), 1 + 2.0**-11)):
        actual = fused_multiply_add(x, x, np.float32([z]))
        np.testing.assert_array_equal(actual, np.float32([expected]))
        assert Fraction(float(x[0])) ** 2 == Fraction(1 + 2.0**-11 + 2.0**-24)


def test_fused_multiply_add_keeps_infinities_and_nan() -> None:
    x = np.array([np.inf, 1, np.inf, 3e38], dtype=np.float32)
    y = np.array([1, 1, 1, 10], dtype=np.float32)
    z = np.array([1, -np.inf, -np.inf, 0], dtype=np.float32)
    np.testing.assert_array_equal(fused_multiply_add(x, y, z), np.float32([np.inf, -np.inf, np.nan, np.inf]))


def test_ranks_order_all_floats_and_come_back() -> None:
    ordered = np.float32([-np.inf, -3e38, -1, -1e-45, -0.0, 0.0, 1e-45, 1, 3e38, np.inf])
    ranks = rank_of_float32(ordered)
    assert np.all(np.diff(ranks) > 0)
    back = float32_from_rank(ranks)
    np.testing.assert_array_equal(back.view(np.int32), ordered.view(np.int32))
    neighbors = rank_of_float32(np.nextafter(np.float32([1, -1]), np.float32([2, -2])))
    np.testing.assert_array_equal(neighbors - rank_of_float32(np.float32([1, -1])), [1, -1])
