"""Counts that nets were registered with, compared with those that the nets have."""

from __future__ import annotations

from typing import Any, NamedTuple

import bmx
from bmx.gluon.model_zoo import registry
from bmx.gluon.model_zoo.support.publication import Case
from bmx.gluon.parameters import count_parameters, ensure_initialized


class NamedCase(NamedTuple):
    """A case of a registered name."""

    name: str
    case: Case

    @property
    def title(self) -> str:
        arguments = [str(value) for value in self.case.arguments.values()]
        convention = [] if self.case.convention == "hpi" else [self.case.convention]
        return "-".join([self.name, *arguments, *convention])


def registered_cases() -> list[NamedCase]:
    """All cases of all names, in the order of the names."""
    return [
        NamedCase(name, case)
        for name in registry.list_models()
        for case in registry.find(name).published.cases
    ]


def uncounted_models() -> list[str]:
    """Names of bmx's own nets without any count; a project's own nets need none."""
    own = [
        name
        for name in registry.list_models()
        if registry.find(name).constructor.__module__.startswith("bmx.gluon.model_zoo.")
    ]
    return [
        name for name in own if not any(case.counts.given() for case in registry.find(name).published.cases)
    ]


def differences(name: str, case: Case, parameters_only: bool = False) -> list[str]:
    """A sentence for each count that the net does not have."""
    net = registry.get_model(name, **case.arguments)
    if parameters_only or case.parameters_only:
        counts = count_parameters(net)
        found = {"params": counts.real + counts.latent, "binary_params": counts.latent}
    else:
        found = _all_counts(name, net, case)
        assert set(case.counts.given()) <= set(found)
    return case.counts.differences(found, case.within)


def _all_counts(name: str, net: Any, case: Case) -> dict[str, float]:
    shape = (1, *registry.input_shape(name, case.arguments.get("thumbnail", False)))
    ensure_initialized(net, shape)
    summary = bmx.summary(net, shape, case.convention)
    size = summary.size_bytes + 4 * case.constants
    return {
        "params": summary.params + case.constants,
        "binary_params": summary.binary_params,
        "bytes": size,
        "mib": size / 2**20,
        "float_macs": summary.float_macs,
        "binary_macs": summary.binary_macs,
        "ops": summary.ops,
        "macs": sum(row.macs for row in summary.layers),
        "norm_channels": count_parameters(net).batch_norm_channels,
    }
