"""The curves of a training as a drawing."""

from __future__ import annotations

import importlib.util
import io
import math
from typing import Any, Sequence

from bmx.training.progress import EpochResult


def is_available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def curves_svg(history: Sequence[EpochResult], title: str) -> bytes:
    """Loss, accuracies and learning rate over the epochs of all stages. Equal histories give equal bytes."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "bmx", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 8), layout="constrained")
        figure.suptitle(title)
        upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.5))
        _draw_accuracies(upper, history)
        epochs = range(1, len(history) + 1)
        middle.plot(epochs, [result.loss for result in history], color="steelblue", label="training")
        middle.set_ylabel("loss")
        lower.plot(epochs, [result.learning_rate for result in history], color="gray")
        lower.set_ylabel("learning rate")
        lower.set_xlabel("epoch")
        for axis in (upper, middle, lower):
            _mark_stages(axis, history)
            axis.grid(alpha=0.3)
        content = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return content.getvalue()


def _draw_accuracies(axis: Any, history: Sequence[EpochResult]) -> None:
    epochs = range(1, len(history) + 1)
    axis.plot(epochs, [100 * r.train_accuracy for r in history], color="silver", label="training")
    measured = [(e, 100 * r.accuracy) for e, r in zip(epochs, history) if math.isfinite(r.accuracy)]
    if measured:
        axis.plot(*zip(*measured), color="crimson", label="held out")
        epoch, best = max(measured, key=lambda point: point[1])
        axis.scatter([epoch], [best], color="crimson", s=20)
        axis.annotate(f"{best:.2f} %", (epoch, best), xytext=(0, 5), textcoords="offset points", ha="center")
    axis.set_ylabel("accuracy, %")
    axis.margins(y=0.15)
    axis.legend(loc="lower right", fontsize=9)


def _mark_stages(axis: Any, history: Sequence[EpochResult]) -> None:
    for number, (before, after) in enumerate(zip(history, history[1:]), start=1):
        if before.stage != after.stage:
            axis.axvline(number + 0.5, color="gray", linestyle="--", linewidth=1)
