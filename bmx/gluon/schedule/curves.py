"""Closed forms of the step, or of the epoch: what counts is up to the caller; 0 comes first.

They can be pickled, so that optimizers may hold them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from bmx.gluon.arguments import require


def _require(owner: Any, name: str, fits: bool, expected: str) -> None:
    require(f"schedule.{type(owner).__name__}", name, getattr(owner, name), fits, expected)


@dataclass(frozen=True)
class _Ramp:
    """From ``start`` at step 0 to ``end`` at ``steps`` and after."""

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse values out of their ranges."""
        _require(self, "steps", self.steps >= 1, ">= 1")

    def __call__(self, step: float) -> float:
        """The value at a step; that of step 0 before it."""
        if step >= self.steps:
            return self.end
        return self.between(max(step, 0) / self.steps)

    def between(self, share: float) -> float:
        """The value when a share of the steps, 0 to 1, is done."""
        raise NotImplementedError


class Linear(_Ramp):
    """value(t) = start + (end - start) * t / steps; ``end`` from ``steps`` on.

    Raises:
        ValueError: if ``steps`` is below 1.
    """

    def between(self, share: float) -> float:
        return self.start + (self.end - self.start) * share


class Exponential(_Ramp):
    """value(t) = start * (end / start)^(t / steps); ``end`` from ``steps`` on.

    It sharpens tanh(nu * x) into the sign: Lahoud et al., Self-Binarizing Networks, arXiv:1902.00730.

    Raises:
        ValueError: if ``start`` or ``end`` is not above 0, or ``steps`` is below 1.
    """

    def __post_init__(self) -> None:
        """Refuse values out of their ranges."""
        super().__post_init__()
        _require(self, "start", self.start > 0, "> 0")
        _require(self, "end", self.end > 0, "> 0")

    def between(self, share: float) -> float:
        return self.start * (self.end / self.start) ** share


class Cosine(_Ramp):
    """value(t) = end + (start - end) * (1 + cos(pi * t / steps)) / 2; ``end`` from ``steps`` on.

    Paper: Loshchilov and Hutter, SGDR, arXiv:1608.03983, without restarts.

    Raises:
        ValueError: if ``steps`` is below 1.
    """

    def between(self, share: float) -> float:
        rest = (1 + math.cos(math.pi * share)) / 2
        return self.start * rest + self.end * (1 - rest)


@dataclass(frozen=True)
class Step:
    """value(t) = start * factor^n, where n of the steps ``at`` are reached (at <= t).

    Attributes:
        start: value before the first step of ``at``.
        factor: factor of the value at each of them.
        at: steps at which the value changes; or one number, for each of its multiples.

    Raises:
        ValueError: if a number in ``at`` is below 1.
    """

    start: float
    factor: float
    at: int | Sequence[int]

    def __post_init__(self) -> None:
        """Refuse values out of their ranges."""
        steps = [self.at] if isinstance(self.at, int) else self.at
        _require(self, "at", all(step >= 1 for step in steps), "of 1 or more")

    def __call__(self, step: float) -> float:
        """The value at a step."""
        if isinstance(self.at, int):
            reached = max(int(step // self.at), 0)
        else:
            reached = sum(at <= step for at in self.at)
        return self.start * self.factor**reached


@dataclass(frozen=True)
class WarmUp:
    """A line from ``start`` to the first value of a schedule, then this schedule from its beginning.

    value(t) = start + (schedule(0) - start) * t / steps while t < steps, then schedule(t - steps).

    Attributes:
        schedule: schedule that follows.
        steps: length of the line.
        start: value at step 0.

    Raises:
        ValueError: if ``steps`` is below 1.
    """

    schedule: Callable[[float], float]
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values out of their ranges."""
        _require(self, "steps", self.steps >= 1, ">= 1")

    def __call__(self, step: float) -> float:
        """The value at a step; that of step 0 before it."""
        if step >= self.steps:
            return self.schedule(step - self.steps)
        return self.start + (self.schedule(0) - self.start) * max(step, 0) / self.steps


@dataclass(frozen=True)
class Temperature:
    """value(t) = start * factor^t, and 0 once this is below ``least``.

    Weights clip(w / T, -1, 1) become signs while T falls to 0. The defaults are BNext's, by epochs: 0.9 of
    the epoch before, and signs below 1e-7 (from epoch 153 on).

    Paper: Guo et al., BNext, arXiv:2211.12933.

    Attributes:
        start: value at step 0, above 0.
        factor: factor of the value at each step, above 0 and below 1.
        least: smallest value other than 0.

    Raises:
        ValueError: if a value is out of its range.
    """

    start: float = 1.0
    factor: float = 0.9
    least: float = 1e-7

    def __post_init__(self) -> None:
        """Refuse values out of their ranges."""
        _require(self, "start", self.start > 0, "> 0")
        _require(self, "factor", 0 < self.factor < 1, "above 0 and below 1")
        _require(self, "least", self.least >= 0, ">= 0")

    def __call__(self, step: float) -> float:
        """The value at a step; that of step 0 before it."""
        value = self.start * self.factor ** max(step, 0)
        return value if value >= self.least else 0.0
