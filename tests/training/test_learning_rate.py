"""Learning rates against their closed forms, and schedules of hyper-parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bmx.training.learning_rate import hyperparameter_schedules, learning_rate
from bmx.training.reading import ConfigError
from bmx.training.schema import LearningRate


def rates(updates: int = 100, per_epoch: int = 10, start: float = 0.1, **described: Any) -> np.ndarray:
    rate = learning_rate(LearningRate(**described), start, updates, per_epoch)
    return np.array([rate(update) for update in range(updates + 1)])


def test_modes() -> None:
    share = np.arange(101) / 100
    np.testing.assert_allclose(rates(mode="constant"), 0.1)
    np.testing.assert_allclose(rates(mode="cosine"), 0.05 * (1 + np.cos(math.pi * share)), atol=1e-12)
    np.testing.assert_allclose(rates(mode="poly", power=2.0, end=0.01), 0.01 + 0.09 * (1 - share) ** 2)
    np.testing.assert_allclose(rates(mode="exponential", end=1e-3), 0.1 * 0.01**share)


def test_steps_are_epochs() -> None:
    found = rates(mode="step", at=[3, 7.5], factor=0.1)
    expected = np.where(np.arange(101) < 30, 0.1, np.where(np.arange(101) < 75, 0.01, 0.001))
    np.testing.assert_allclose(found, expected)
    found = rates(mode="step", at=[3, 7], values=[0.05, 0.2])
    assert [found[at] for at in (0, 29, 30, 69, 70, 100)] == [0.1, 0.1, 0.05, 0.05, 0.2, 0.2]


@pytest.mark.parametrize("mode", ["cosine", "step"])
def test_warm_up_stands_in_front(mode: str) -> None:
    found = rates(mode=mode, warmup=2.0, warmup_start=0.02, at=[5])
    np.testing.assert_allclose(found[:20], 0.02 + 0.08 * np.arange(20) / 20)
    assert found[20] == pytest.approx(0.1)
    if mode == "cosine":
        np.testing.assert_allclose(found[20:], 0.05 * (1 + np.cos(math.pi * np.arange(81) / 80)), atol=1e-12)
    else:  # epochs count from the beginning
        assert (found[49], found[50]) == (pytest.approx(0.1), pytest.approx(0.01))


def test_a_short_training_is_all_warm_up_but_its_last_update() -> None:
    found = rates(updates=2, warmup=5.0)
    assert found[0] == 0
    assert found[1] == pytest.approx(0.1)


def test_schedules_of_hyperparameters() -> None:
    made = hyperparameter_schedules(
        {
            "nu": {"kind": "exponential", "start": 1.0, "end": 100.0},
            "temperature": {"kind": "temperature", "factor": 0.5},
            "short": {"kind": "linear", "start": 0.0, "end": 4.0, "epochs": 2},
        },
        epochs=4,
    )
    assert made["nu"](2) == pytest.approx(10)
    assert made["temperature"](3) == pytest.approx(0.125)
    assert [made["short"](epoch) for epoch in (0, 1, 2, 3)] == [0, 2, 4, 4]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"start": 1.0}, "expected a table of kind"),
        (3, "expected a table of kind"),
        ({"kind": "linear", "begin": 1.0}, "linear has no 'begin'"),
        ({"kind": "linear", "start": 1.0}, "schedules.nu: .*end"),
        ({"kind": "temperature", "factor": 2.0}, "factor"),
    ],
)
def test_wrong_schedules(description: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hyperparameter_schedules({"nu": description}, epochs=3)
