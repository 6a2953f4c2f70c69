"""The straight-through idiom: one value forward, the gradient of another backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmx.gluon.tensor import Tensor

FLOAT32_MAX = float(np.finfo(np.float32).max)


def straight_through(F: Any, value: Tensor, surrogate: Tensor) -> Tensor:
    """``value`` forward, the gradient of ``surrogate`` backward.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        value: result of the forward pass.
        surrogate: source of the gradient, finite everywhere, so that the difference is exactly 0 and the sum
            exactly ``value``.
    """
    return F.BlockGrad(value) + (surrogate - F.BlockGrad(surrogate))


def sign(F: Any, x: Tensor) -> Tensor:
    """-1 where x < 0, otherwise +1, so also for 0, -0.0 and NaN; without a gradient."""
    return 1 - 2 * (x < 0)


def keep(F: Any, passing: Tensor, x: Tensor) -> Tensor:
    """The array, and its gradient, where ``passing`` is not 0; 0 elsewhere.

    Multiply ``x``, not the result: if a BlockGrad stops the gradient of a number times F.where, the backward
    pass crashes in MXNet 1.9.1.
    """
    return F.where(passing, x, F.zeros_like(x))


def within(F: Any, x: Tensor, limit: float | None) -> Tensor:
    """The array where |x| <= limit, 0 elsewhere and for NaN; None is the largest finite number."""
    return keep(F, F.abs(x) <= (FLOAT32_MAX if limit is None else limit), x)


def between(F: Any, x: Tensor, low: float, high: float) -> Tensor:
    """The array where low <= x <= high, 0 elsewhere and for NaN."""
    return keep(F, (x >= low) * (x <= high), x)


def sloped(F: Any, x: Tensor, slope: Tensor) -> Tensor:
    """A surrogate with the derivative ``slope``; ``x`` finite, as `within` gives it."""
    return x * F.BlockGrad(slope)


def in_training(F: Any, x: Tensor) -> Tensor:
    """1 while MXNet records in training mode, otherwise 0, in the shape of ``x``.

    Dropout can tell: a 1 becomes 0 or 2 in training and stays 1 otherwise, in imperative, hybridized and
    saved nets alike.
    """
    one = F.sum(F.zeros_like(x), keepdims=True) + 1
    return F.BlockGrad(like(F, F.Dropout(one, p=0.5) != 1, x))


def like(F: Any, x: Tensor, other: Tensor) -> Tensor:
    """The array ``x``, repeated to the shape of ``other``, which has as many axes.

    It combines weights of unknown shape with smaller arrays: MXNet finds the shape of a deferred parameter
    through elementwise operators, not through broadcasting ones, nor through ``broadcast_like``, which takes
    an axis of unknown length for one of length 1.
    """
    return F.broadcast_add(x, F.zeros_like(other))


def choose(F: Any, condition: Tensor, x: Tensor, otherwise: Tensor) -> Tensor:
    """The array ``x`` where the condition is not 0, otherwise ``otherwise``; without a gradient.

    MXNet finds the shape of ``otherwise`` from the result, see `like`. No gradient may reach F.where here: if
    a BlockGrad after the sum stopped it, the backward pass of F.where crashes in MXNet 1.9.1.
    """
    chosen = F.where(condition, F.BlockGrad(x), F.BlockGrad(otherwise))
    return chosen + F.zeros_like(otherwise)
