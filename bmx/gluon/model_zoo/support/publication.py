"""Publications: the paper of a net, its accuracy, and the counts that our net has to match."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Mapping, NamedTuple, Sequence

ARXIV = "https://arxiv.org/abs/"

# Sources of an accuracy. Unconfirmed figures are quoted by others; no source of the authors was found.
BMXNET_WIKI = "BMXNet-v2 wiki"
LARQ_ZOO = "Larq Zoo"
AUTHORS_CODE = "authors' code"
IN_PAPER = "paper"
UNCONFIRMED = "unconfirmed"

# Arguments of nets that counts are published for, beside the default ones.
CIFAR10: dict[str, Any] = {"thumbnail": True, "classes": 10}
CIFAR100: dict[str, Any] = {"thumbnail": True, "classes": 100}
GROUPED_STEM: dict[str, Any] = {"initial_layers": "grouped_stem"}
IMAGENET_STEM: dict[str, Any] = {"initial_layers": "imagenet"}

# Half a unit or a unit of the last place that tables print.
_TOLERANCES = {"mib": 0.01, "float_macs": 0.01e6, "binary_macs": 0.001e9, "ops": 0.1e6}


class Paper(NamedTuple):
    """Where an architecture was published.

    Attributes:
        name: short name.
        address: arXiv number, or the address of a page.
    """

    name: str
    address: str

    @property
    def link(self) -> str:
        """Address of the page."""
        return self.address if "/" in self.address else ARXIV + self.address


@dataclass(frozen=True)
class Counts:
    """Figures of a net; those that are None are not checked.

    An integer is matched exactly. A float is a rounded figure, as tables print it, and is matched within
    0.01 MiB, 0.01e6 real multiply-accumulates, 0.001e9 binary ones, or 0.1e6 operations.

    Attributes:
        params: all parameters.
        binary_params: quantized weights.
        bytes: size of all parameters, each at its own number of bits.
        mib: the same in MiB.
        float_macs: multiply-accumulates of real numbers.
        binary_macs: products of bits.
        ops: float_macs + binary_macs / 64.
        macs: multiply-accumulates of all layers, dense ones included, whatever their bits are.
        norm_channels: channels of all batch norms.
    """

    params: int | None = None
    binary_params: int | None = None
    bytes: int | None = None
    mib: float | None = None
    float_macs: int | float | None = None
    binary_macs: int | float | None = None
    ops: int | float | None = None
    macs: int | None = None
    norm_channels: int | None = None

    def differences(self, found: Mapping[str, float], within: Mapping[str, float]) -> list[str]:
        """A sentence for each figure that was found to be another.

        Args:
            found: figures of the net by the names of the attributes.
            within: tolerances other than those above, by the names of the attributes.
        """
        tolerances = {**_TOLERANCES, **within}
        wrong = []
        for name, expected in self.given().items():
            tolerance = tolerances.get(name, 0) if isinstance(expected, float) else 0
            if name in found and abs(found[name] - expected) > tolerance:
                wrong.append(f"{name}: expected {expected:,} within {tolerance:,}, found {found[name]:,}")
        return wrong

    def given(self) -> dict[str, int | float]:
        """The figures that are not None."""
        figures = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: figure for name, figure in figures.items() if figure is not None}


@dataclass(frozen=True)
class Case:
    """Counts of a net that is built with certain arguments.

    Attributes:
        counts: the figures.
        arguments: arguments of `get_model` beside the name.
        convention: convention of counting, 'hpi' or 'larq', see `bmx.summary`.
        constants: how many of the source's parameters are constants in our net.
        within: tolerances of rounded figures other than those of `Counts`.
        parameters_only: counts the parameters of the net that trains, which is not compiled then: what
            several terms share counts once, and only `params` and `binary_params` are compared.
        slow: takes too long for every run of the tests. `make zoo-check` compares all figures, a run of the
            tests what `parameters_only` compares.
    """

    counts: Counts
    arguments: Mapping[str, Any] = field(default_factory=dict)
    convention: str = "hpi"
    constants: int = 0
    within: Mapping[str, float] = field(default_factory=dict)
    parameters_only: bool = False
    slow: bool = False


class Published(NamedTuple):
    """Accuracy and expected counts of a net.

    Attributes:
        top1: accuracy on ImageNet in percent; None where none was published, or for other data.
        source: who measured it.
        cases: counts, of the net as its name builds it and of variants.
    """

    top1: float | None = None
    source: str = ""
    cases: Sequence[Case] = ()
