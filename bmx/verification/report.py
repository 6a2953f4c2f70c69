"""The outcome of a verification."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


class VerificationError(ValueError):
    """The packed file does not answer as the net does."""


def check_tolerance(tolerance: float) -> None:
    """Raise ValueError unless a tolerance is a number of at least 0."""
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"bmx.verify: the tolerance should be a number of at least 0, found {tolerance}.")


@dataclass(frozen=True)
class Report:
    """Outcome of running MXNet and the packed file on the same inputs.

    Attributes:
        samples: number of samples compared.
        max_abs_difference: largest absolute difference of any output value; ties are left out, unless all
            samples are ties.
        top1_agreement: share of all samples whose largest output has the same index.
        ties: number of samples whose outputs differ because the input of a sign is zero to within rounding;
            their layers agree one by one.
        tolerance: bound on ``max_abs_difference``, relative to max(1, largest output).
        passed: whether every sample that is not a tie is within tolerance and has the same top-1.
        isa: instruction set that ran the packed file.
        diverging_layer: the first layer that differs from MXNet's on the same inputs, if one does.
    """

    samples: int
    max_abs_difference: float
    top1_agreement: float
    ties: int
    tolerance: float
    passed: bool
    isa: str
    diverging_layer: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for people."""
        ties = f", {self.ties} tied at a sign" if self.ties else ""
        layer = f"; the first layer that differs is {self.diverging_layer}" if self.diverging_layer else ""
        return (
            f"{self.samples} samples on {self.isa}: max |difference| {self.max_abs_difference:.2g} "
            f"(tolerance {self.tolerance:g}), top-1 agreement {self.top1_agreement:.4f}{ties}{layer}"
        )
