"""Closed forms of the step, at single steps and at their ends."""

from __future__ import annotations

import math
import pickle

import pytest

from bmx.gluon.schedule import (
    Cosine,
    Exponential,
    Linear,
    Schedule,
    Step,
    Temperature,
    WarmUp,
)

CASES = [
    (Linear(1, 3, 4), [1, 1.5, 2, 2.5, 3, 3]),
    (Linear(0.3, 0.1, 3), [0.3, 0.3 - 0.2 / 3, 0.3 - 0.4 / 3, 0.1, 0.1]),
    (Exponential(1, 1000, 3), [1, 10, 100, 1000, 1000]),
    (Exponential(2, 0.5, 4), [2, 2**0.5, 1, 2**-0.5, 0.5]),
    (Cosine(4, 0, 4), [4, 2 + math.sqrt(2), 2, 2 - math.sqrt(2), 0, 0]),
    (Cosine(0, 1, 2), [0, 0.5, 1, 1]),
    (Step(8, 0.5, 2), [8, 8, 4, 4, 2, 2, 1]),
    (Step(8, 0.5, (1, 4)), [8, 4, 4, 4, 2, 2]),
    (Step(8, 0.5, []), [8, 8]),
    (WarmUp(Linear(4, 0, 2), 4), [0, 1, 2, 3, 4, 2, 0, 0]),
    (WarmUp(Step(1, 0.1, 1), 2, start=0.5), [0.5, 0.75, 1, 0.1, 0.01]),
    (Temperature(), [0.9**t for t in range(153)] + [0, 0]),
    (Temperature(2, 0.5, 0.25), [2, 1, 0.5, 0.25, 0]),
]


@pytest.mark.parametrize(("schedule", "expected"), CASES)
def test_values(schedule, expected):
    assert [schedule(t) for t in range(len(expected))] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert schedule(-1) == schedule(0)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize("cls", [Linear, Exponential, Cosine])
def test_the_ends_are_exact(cls):
    schedule = cls(0.1, 0.7, 7)
    assert (schedule(0), schedule(7), schedule(100)) == (0.1, 0.7, 0.7)


def test_the_temperature_becomes_exactly_0():
    assert Temperature()(152) > 0
    assert Temperature()(153) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0, 1, 0), "Linear: expected steps >= 1, found 0"),
        (lambda: Exponential(0, 1, 2), "expected start > 0"),
        (lambda: Exponential(1, -1, 2), "expected end > 0"),
        (lambda: Step(1, 0.1, 0), "expected at of 1 or more"),
        (lambda: Step(1, 0.1, (3, 0)), "expected at of 1 or more"),
        (lambda: WarmUp(Temperature(), 0), "expected steps >= 1"),
        (lambda: Temperature(start=0), "expected start > 0"),
        (lambda: Temperature(factor=1), "expected factor above 0 and below 1"),
        (lambda: Temperature(least=-1), "expected least >= 0"),
        (lambda: Schedule(None), "expected hyper-parameter=schedule"),
    ],
)
def test_values_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
