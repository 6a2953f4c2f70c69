"""AP2, the nearest power of two: a multiplication by it is a shift."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import mxnet as mx

Number = TypeVar("Number", float, Any)


def nearest_power_of_two(x: Number) -> Number:
    """AP2(x) = sign(x) * 2^round(log2 |x|), and AP2(0) = 0.

    "Nearest" is meant between exponents: 3 is rounded to 4, because log2(3) = 1.58.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830.

    Args:
        x: a number, or an NDArray of any shape.

    Returns:
        The same kind.
    """
    if isinstance(x, mx.nd.NDArray):
        # log2(0) is -inf, and 2^-inf is 0.
        return mx.nd.sign(x) * 2.0 ** mx.nd.round(mx.nd.log2(mx.nd.abs(x)))
    if x == 0:
        return 0.0
    return math.copysign(2.0 ** math.floor(math.log2(abs(x)) + 0.5), x)
