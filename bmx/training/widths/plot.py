"""A drawing of a search's evaluations and their Pareto front."""

from __future__ import annotations

import importlib.util
import io
from typing import Any

from bmx.training.widths.search import Outcome


def require_matplotlib() -> None:
    """Raises ImportError if matplotlib is missing; to be called before a long search."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(
            'the search of widths draws with matplotlib; install it with: pip install "bmx-gluon[demo]"'
        )


def front_svg(outcome: Outcome, budget: float) -> bytes:
    """Accuracy against relative cost: all evaluations, the front with its ratios, the budget, the best.

    Equal outcomes give equal bytes.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "bmx", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        _draw(figure.subplots(), outcome, budget)
        content = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return content.getvalue()


def _draw(axis: Any, outcome: Outcome, budget: float) -> None:
    costs, accuracies = _points(outcome.evaluations)
    axis.scatter(costs, accuracies, s=18, color="silver", label="evaluated", zorder=1)
    costs, accuracies = _points(outcome.front)
    axis.step(costs, accuracies, where="post", color="steelblue", linewidth=1, zorder=2)
    axis.scatter(costs, accuracies, s=24, color="steelblue", label="Pareto front", zorder=3)
    axis.axvline(budget, color="gray", linestyle="--", linewidth=1, label="budget", zorder=0)
    best = outcome.best
    axis.scatter([best.cost], [100 * best.accuracy], s=70, color="crimson", label="best", zorder=4)
    for item in outcome.front:
        axis.annotate(
            " ".join(f"{ratio:g}" for ratio in item.genome),
            (item.cost, 100 * item.accuracy),
            xytext=(-6, 3),  # nothing is above and to the left of a Pareto front
            textcoords="offset points",
            horizontalalignment="right",
            fontsize=8,
        )
    axis.margins(x=0.12)
    axis.set_xlim(left=0)
    axis.set_xlabel("cost, relative to the net with all ratios 1")
    axis.set_ylabel("accuracy on validation data, %")
    axis.set_title("Width ratios: accuracy against cost")
    axis.legend(loc="lower right", fontsize=9)


def _points(evaluations: Any) -> tuple[list[float], list[float]]:
    return [item.cost for item in evaluations], [100 * item.accuracy for item in evaluations]
