"""Limits stand beside the fields that they limit, and each is checked."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from bmx.training.limits import Choice, Range, chosen, limited
from bmx.training.reading import ConfigError, read
from bmx.training.schema import Config

LEAST = {
    **{"training.epochs": 1, "training.steps": 0, "training.accumulate": 1, "training.clip_norm": 0},
    **{"training.validate_every": 1, "data.batch_size": 1, "data.train_limit": 0, "data.test_limit": 0},
    **{"data.size": 1, "data.processes": 0, "optimizer.wd": 0, "optimizer.latent_limit": 0},
    **{"learning_rate.warmup": 0, "model.clip_threshold": 0, "loss.mixup": 0, "loss.weight": 0},
    **{"average.batches": 1, "checkpoints.steps": 0, "checkpoints.keep": 1},
}
CHOICES = {
    "loss.name": ("softmax", "squared_hinge"),
    "learning_rate.mode": ("constant", "cosine", "poly", "step"),
    "training.kvstore": ("local", "device", "dist_sync", "dist_device_sync", "dist_async"),
    "teacher.loss": ("distribution", "distillation", ""),
    "optimizer.scale_rates": ("", "glorot", "power_of_two"),
}


def described(place: str, value: Any) -> Config:
    section, key = place.split(".")
    return Config.from_dict({section: {key: value}}, "mine")


@pytest.mark.parametrize(("place", "least"), LEAST.items())
def test_least_values(place: str, least: int) -> None:
    section, key = place.split(".")
    assert getattr(getattr(described(place, least), section), key) == least
    with pytest.raises(ConfigError, match=rf"^mine: {place}: expected at least {least}, found {least - 1}"):
        described(place, least - 1)


@pytest.mark.parametrize(("place", "values"), CHOICES.items())
def test_choices(place: str, values: tuple[str, ...]) -> None:
    for value in values:
        described(place, value)
    with pytest.raises(ConfigError, match=rf"^mine: {place}: expected one of .*, found 'other'"):
        described(place, "other")


@pytest.mark.parametrize(
    ("limit", "inside", "outside", "words"),
    [
        (Range(above=0), [1e-9], [0, -1, math.nan], "above 0"),
        (Range(at_least=0, below=1), [0, 0.999], [1, -0.1, math.nan], "from 0 to below 1"),
        (Range(at_least=0, at_most=1), [0, 1], [1.1, -0.1, math.nan], "0 to 1"),
        (Choice(("a", "b")), ["a", "b"], ["c"], "one of 'a', 'b'"),
    ],
    ids=str,
)
def test_inside_and_outside(limit: Any, inside: list[Any], outside: list[Any], words: str) -> None:
    for value in inside:
        limit.check(value, "here")
    for value in outside:
        with pytest.raises(ConfigError, match=rf"^here: expected {words}, found"):
            limit.check(value, "here")


@dataclasses.dataclass(frozen=True)
class Band:
    low: float = limited(0.0, at_least=0)
    high: float = 1.0
    kind: str = chosen("open", ("open", "closed"))

    def check(self, where: str) -> None:
        if self.low > self.high:
            raise ConfigError(f"{where}.low: expected at most {self.high}, found {self.low}")


def test_a_field_costs_one_line_and_a_relation_stands_with_its_class() -> None:
    assert read(Band, {"low": 0.5}, "band") == Band(0.5)
    for table, message in (
        ({"low": -1}, "band.low: expected at least 0, found -1.0"),
        ({"kind": "ajar"}, "band.kind: expected one of 'open', 'closed', found 'ajar'"),
        ({"low": 2}, "band.low: expected at most 1.0, found 2.0"),
    ):
        with pytest.raises(ConfigError, match=f"^{message}$"):
            read(Band, table, "band")
