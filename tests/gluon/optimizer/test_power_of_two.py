"""Nearest powers of two, of numbers and arrays."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np

from bmx.gluon.optimizer import (
    nearest_power_of_two,
)


def test_nearest_power_of_two():
    numbers = [0.0, 1.0, -1.0, 3.0, -3.0, 2.8, 2.9, 0.7, 0.71, 1e-30, 2.0**-100, 2.0**100, math.inf]
    expected = [0, 1, -1, 4, -4, 2, 4, 0.5, 1, 2.0**-100, 2.0**-100, 2.0**100, math.inf]
    np.testing.assert_array_equal(nearest_power_of_two(mx.nd.array(numbers)).asnumpy(), expected)
    np.testing.assert_array_equal([nearest_power_of_two(x) for x in numbers[:-1]], expected[:-1])


def test_powers_of_two_are_exact():
    powers = np.float32(2) ** np.arange(-126, 128)
    np.testing.assert_array_equal(nearest_power_of_two(mx.nd.array(powers)).asnumpy(), powers)
    assert [nearest_power_of_two(2.0**n) for n in range(-1000, 1000)] == [2.0**n for n in range(-1000, 1000)]
