"""The arithmetic that the IR is defined with."""

from __future__ import annotations

import numpy as np


def sign(x: np.ndarray) -> np.ndarray:
    """+-1 as int8: -1 where x < 0, otherwise +1 (so 0, -0.0 and NaN give +1)."""
    return np.where(x < 0, -1, 1).astype(np.int8)


def round_half_away(x: np.ndarray) -> np.ndarray:
    """The nearest integers as float32; halves are rounded away from zero, as MXNet and C round them."""
    # In float64 the sum is exact wherever a float32 is no integer already.
    wide = np.abs(x.astype(np.float64))
    return np.copysign(np.floor(wide + 0.5), x).astype(np.float32)


def fused_multiply_add(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Compute x * y + z of float32 arrays, rounded once.

    The product of two float32 is exact in float64. The float64 sum may have to be rounded, and rounding its
    result a second time, to float32, could go wrong where the first result is a tie; so the sum is rounded to
    odd: if it is inexact, the neighbor with an odd last bit is taken, which is never a tie of the second
    rounding (Boldo and Melquiond, 2008).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        product = x.astype(np.float64) * y.astype(np.float64)
        addend = np.broadcast_to(z, product.shape).astype(np.float64)
        total = product + addend
        error = _rounding_error(product, addend, total)
        even = (total.view(np.int64) & 1) == 0
        towards_truth = np.nextafter(total, np.copysign(np.inf, error))
        inexact = np.isfinite(total) & (error != 0)
        return np.where(inexact & even, towards_truth, total).astype(np.float32)


def _rounding_error(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    """(a + b) - total, exactly (Knuth's two-sum)."""
    b_part = total - a
    a_part = total - b_part
    return (a - a_part) + (b - b_part)


def rank_of_float32(x: np.ndarray) -> np.ndarray:
    """Integers (int64) in the order of the numbers: neighbors differ by 1; 0.0 has rank 0, -0.0 rank -1."""
    bits = x.view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF) - 1)


def float32_from_rank(rank: np.ndarray) -> np.ndarray:
    """The inverse of `rank_of_float32`."""
    magnitude = np.where(rank >= 0, rank, -rank - 1).astype(np.int32)
    return np.where(rank >= 0, magnitude.view(np.float32), -magnitude.view(np.float32))
