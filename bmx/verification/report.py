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


@dataclass
class LayerRow:
    """The comparison of one value of the packed file.

    Attributes:
        layer: MXNet's node, ``sign(node)``, ``code(node)`` or ``max_pool(code(node))``; the file's node where
            there is no counterpart.
        node: name of the file's node.
        operator: operator of the file's node.
        fused: whether no value in MXNet has the same meaning, so that nothing was compared.
        max_abs_difference: largest absolute difference, given the inputs of MXNet's layer.
        relative_difference: the same, relative to max(1, largest value).
        bits: number of bits or codes that differ, given the inputs of MXNet's layer; None for numbers.
        ties: number of these that are signs of numbers that are zero to within rounding, or codes of numbers
            halfway between two.
        accumulated: largest absolute difference, or number of bits or codes, as the file runs.
        agrees: whether it is within tolerance, and all bits and codes that differ are ties.
        dtype: dtype of the value in the file.
    """

    layer: str
    node: str
    operator: str
    fused: bool = False
    max_abs_difference: float = 0.0
    relative_difference: float = 0.0
    bits: int | None = None
    ties: int = 0
    accumulated: float = 0.0
    agrees: bool = True
    dtype: str = "f32"

    def describe(self) -> str:
        """For example ``'conv0_fwd' (conv2d, max |difference| 0.5)``."""
        found = f"max |difference| {self.max_abs_difference:.2g}"
        if self.bits is not None:
            found = f"{self.bits - self.ties} {'bits' if self.dtype == 'bits' else 'codes'} differ"
        return f"{self.layer!r} ({self.operator}, {found})"


@dataclass(frozen=True)
class LayerReport:
    """Outcome of a comparison layer by layer.

    Attributes:
        layers: the rows in the order of the file.
        samples: number of samples compared.
        tolerance: bound on each layer's difference, relative to max(1, largest value in a sample).
        isa: instruction set that ran the packed file.
        fusing_agrees: whether the file's outputs are equal, bit by bit, to those of its nodes run one by one.
    """

    layers: list[LayerRow]
    samples: int
    tolerance: float
    isa: str
    fusing_agrees: bool

    @property
    def diverging(self) -> LayerRow | None:
        """The first layer that does not agree."""
        return next((row for row in self.layers if not row.agrees), None)

    @property
    def passed(self) -> bool:
        """Whether every layer agrees."""
        return self.diverging is None and self.fusing_agrees

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        row = self.diverging
        return {**asdict(self), "passed": self.passed, "first_difference": row and row.layer}
