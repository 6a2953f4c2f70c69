"""The results of a search as JSON values."""

from __future__ import annotations

from typing import Any

from bmx.training.widths.genome import Genome
from bmx.training.widths.problem import Problem
from bmx.training.widths.search import Evaluation, Outcome


def report(
    outcome: Outcome, problem: Problem, budget: float, source: str, final: dict[str, Any] | None
) -> dict[str, Any]:
    """The content of best.json.

    Args:
        outcome: outcome of `search`.
        problem: problem of the search.
        budget: budget of the search.
        source: `module:function` that builds the net.
        final: results of the best net's longer training; None if there was none.
    """
    return {
        "budget": budget,
        "best": _entry(outcome.best, problem),
        "build": build_lines(source, outcome.best.genome),
        "final": final,
        "front": [_entry(item, problem) for item in outcome.front],
        "reference": problem.reference._asdict(),
        "evaluations": len(outcome.evaluations),
    }


def build_lines(source: str, genome: Genome) -> str:
    """Python that builds the net of a genome."""
    module, _, function = source.partition(":")
    ratios = ", ".join(f"{ratio:g}" for ratio in genome)
    return f"from {module} import {function}; net = {function}([{ratios}])"


def _entry(item: Evaluation, problem: Problem) -> dict[str, Any]:
    return {
        "ratios": list(item.genome),
        "validation_accuracy": item.accuracy,
        "cost": item.cost,
        **problem.count(item.genome)._asdict(),
    }
