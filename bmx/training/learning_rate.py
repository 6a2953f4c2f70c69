"""The learning rate of each update, and schedules of hyper-parameters, from their descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from bmx.gluon import schedule
from bmx.training.reading import ConfigError
from bmx.training.schema import LearningRate

Rate = Callable[[float], float]

_SCHEDULES = {
    "linear": (schedule.Linear, {"start", "end"}),
    "exponential": (schedule.Exponential, {"start", "end"}),
    "cosine": (schedule.Cosine, {"start", "end"}),
    "temperature": (schedule.Temperature, {"start", "factor", "least"}),
}


@dataclass(frozen=True)
class Poly:
    """value(t) = end + (start - end) * (1 - t / steps)^power; ``end`` from ``steps`` on."""

    start: float
    end: float
    steps: int
    power: float

    def __call__(self, step: float) -> float:
        """The value at a step."""
        rest = max(1 - step / self.steps, 0.0)
        return self.end + (self.start - self.end) * rest**self.power


@dataclass(frozen=True)
class Values:
    """``start``, and from each step of ``then`` on the value beside it."""

    start: float
    then: tuple[tuple[int, float], ...]

    def __call__(self, step: float) -> float:
        """The value at a step."""
        return [self.start, *(value for at, value in self.then if at <= step)][-1]


def learning_rate(rate: LearningRate, start: float, updates: int, per_epoch: int) -> Rate:
    """The learning rate as a function of the number of updates before this one.

    The first update gets the first value; the last value is that after the last update, as if there were one
    more.

    Args:
        rate: description of the learning rate.
        start: learning rate after the warm-up.
        updates: updates of the whole stage.
        per_epoch: updates of one epoch.
    """
    warm = min(round(rate.warmup * per_epoch), updates - 1)
    main = _main(rate, start, max(updates - warm, 1), per_epoch, warm)
    return schedule.WarmUp(main, warm, rate.warmup_start) if warm else main


def _main(rate: LearningRate, start: float, updates: int, per_epoch: int, warm: int) -> Rate:
    if rate.mode == "constant":
        return schedule.Linear(start, start, 1)
    if rate.mode == "step":
        at = [max(round(epoch * per_epoch) - warm, 1) for epoch in rate.at]
        if rate.values:
            return Values(start, tuple(zip(at, rate.values)))
        return schedule.Step(start, rate.factor, at)
    if rate.mode == "cosine":
        return schedule.Cosine(start, rate.end, updates)
    if rate.mode == "exponential":
        return schedule.Exponential(start, rate.end, updates)
    return Poly(start, rate.end, updates, rate.power)


def hyperparameter_schedules(described: Mapping[str, Any], epochs: int) -> dict[str, Rate]:
    """Functions of the epoch from descriptions such as ``{kind = "linear", start = 1, end = 9}``.

    A ramp takes the description's ``epochs``, or the whole stage if there are none; ``temperature`` goes by
    epochs and has no end.

    Raises:
        ConfigError: a kind or an argument is not known.
    """
    made: dict[str, Rate] = {}
    for name, description in described.items():
        where = f"schedules.{name}"
        if not isinstance(description, Mapping) or description.get("kind") not in _SCHEDULES:
            raise ConfigError(
                f"{where}: expected a table of kind {', '.join(map(repr, _SCHEDULES))}, found {description!r}"
            )
        arguments = {key: value for key, value in description.items() if key != "kind"}
        made[name] = _schedule(where, description["kind"], arguments, epochs)
    return made


def _schedule(where: str, kind: str, arguments: dict[str, Any], epochs: int) -> Rate:
    cls, known = _SCHEDULES[kind]
    ramp = kind != "temperature"
    unknown = sorted(set(arguments) - known - ({"epochs"} if ramp else set()))
    if unknown:
        raise ConfigError(f"{where}: {kind} has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
    if ramp:
        arguments["steps"] = arguments.pop("epochs", epochs)
    try:
        made: Rate = cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from None
    return made
