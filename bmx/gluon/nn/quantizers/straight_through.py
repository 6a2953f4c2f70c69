"""The straight-through idiom: one value forward, the gradient of another one backward."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOAT32_MAX = float(np.finfo(np.float32).max)


def straight_through(F: Any, value: Any, surrogate: Any) -> Any:  # noqa: N803
    """``value`` forward, the gradient of ``surrogate`` backward.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        value: what the forward pass gives.
        surrogate: finite everywhere, so that surrogate - surrogate is exactly 0 and the sum exactly ``value``.
    """
    return F.BlockGrad(value) + (surrogate - F.BlockGrad(surrogate))


def sign(F: Any, x: Any) -> Any:  # noqa: N803
    """-1 where x < 0, otherwise +1; so 0, -0.0 and NaN give +1. It has no gradient."""
    return 1 - 2 * (x < 0)


def within(F: Any, x: Any, limit: float | None) -> Any:  # noqa: N803
    """X where |x| <= limit, 0 elsewhere and for NaN; None is the largest finite number."""
    passing = F.abs(x) <= (FLOAT32_MAX if limit is None else limit)
    return F.where(passing, x, F.zeros_like(x))


def between(F: Any, x: Any, low: float, high: float) -> Any:  # noqa: N803
    """X where low <= x <= high, 0 elsewhere and for NaN."""
    passing = (x >= low) * (x <= high)
    return F.where(passing, x, F.zeros_like(x))


def like(F: Any, x: Any, other: Any) -> Any:  # noqa: N803
    """x, of as many axes as ``other``, repeated to its shape.

    Weights of unknown shape are combined with smaller arrays by this and an elementwise operator: MXNet finds
    the shape of a deferred parameter through elementwise operators, not through broadcasting ones.
    """
    return F.broadcast_like(x, other)


def require(owner: Any, name: str, value: Any, fits: bool, expected: str) -> None:
    """Raise ValueError unless an argument of a quantizer fits."""
    if not fits:
        raise ValueError(f"bmx.gluon.nn.{type(owner).__name__}: expected {name} {expected}, found {value!r}.")
