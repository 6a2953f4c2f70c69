"""Limits of a description's values, written beside the fields: ``epochs: int = limited(1, at_least=1)``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Iterable, TypeVar

T = TypeVar("T")
_KEY = "limit"


class ConfigError(ValueError):
    """A description has a name or a value that is not known; the message says which, and what there is."""


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds; a bound that is None does not limit.

    Attributes:
        at_least: smallest number allowed.
        above: number below all that are allowed.
        at_most: largest number allowed.
        below: number above all that are allowed.
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def check(self, value: Any, where: str) -> None:
        """Raises ConfigError unless the value lies between the bounds; NaN does not."""
        holds = (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )
        if not holds:
            raise ConfigError(f"{where}: expected {self}, found {value}")

    def __str__(self) -> str:
        """The bounds in words."""
        if self.below is not None:
            return f"from {self.at_least} to below {self.below}"
        if self.at_most is not None:
            return f"{self.at_least} to {self.at_most}"
        return f"above {self.above}" if self.at_least is None else f"at least {self.at_least}"


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]

    def check(self, value: Any, where: str) -> None:
        """Raises ConfigError unless the value is one of them."""
        if value not in self.values:
            expected = ", ".join(map(repr, self.values))
            raise ConfigError(f"{where}: expected one of {expected}, found {value!r}")


def limited(
    default: T,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> T:
    """A field of a dataclass whose value has bounds, as `Range` has them."""
    return dataclasses.field(default=default, metadata={_KEY: Range(at_least, above, at_most, below)})


def chosen(default: T, values: Iterable[T]) -> T:
    """A field of a dataclass whose value is one of a few."""
    return dataclasses.field(default=default, metadata={_KEY: Choice(tuple(values))})


def check_limit(field: dataclasses.Field, value: Any, where: str) -> None:
    """Raises ConfigError if a value is outside the limits of its field.

    Args:
        field: field of a dataclass; one without limits takes any value.
        value: value of the field.
        where: place of the value, which begins error messages.
    """
    limit = field.metadata.get(_KEY)
    if limit is not None:
        limit.check(value, where)
