"""The place of a training, which a checkpoint keeps and from which a run resumes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class EpochResult(NamedTuple):
    """The results of an epoch.

    Attributes:
        epoch: number of the epoch, from 1.
        loss: mean training loss, while the weights moved.
        accuracy: share of held-out images classified correctly, 0 to 1; NaN where none were measured.
        seconds: time of the epoch's training steps.
        train_accuracy: share of training images classified correctly, while the weights moved.
        learning_rate: learning rate of the last update.
        stage: number of the stage, from 1.
    """

    epoch: int
    loss: float
    accuracy: float
    seconds: float
    train_accuracy: float = float("nan")
    learning_rate: float = float("nan")
    stage: int = 1


@dataclass
class Totals:
    """Sums over the batches of an epoch so far."""

    loss: float = 0.0
    right: int = 0
    samples: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """The place of a training.

    Attributes:
        stage: number of the stage, from 0.
        epoch: epochs of the stage so far, so the number of this one, from 0.
        batch: batches of this epoch so far.
        updates: updates of the stage so far.
        all_updates: updates of all stages so far.
        best: largest accuracy on held-out images; -1 before the first measurement.
        best_epoch: number of the epoch of that accuracy, from 1.
        totals: sums over this epoch.
        history: results of all epochs.
    """

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    updates: int = 0
    all_updates: int = 0
    best: float = -1.0
    best_epoch: int = 0
    totals: Totals = field(default_factory=Totals)
    history: list[EpochResult] = field(default_factory=list)

    def next_epoch(self) -> None:
        """Moves to the next epoch."""
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, Totals()

    def next_stage(self) -> None:
        """Moves to the next stage, in which the best of this one does not count."""
        self.stage, self.epoch, self.batch, self.updates = self.stage + 1, 0, 0, 0
        self.best, self.best_epoch, self.totals = -1.0, 0, Totals()

    def to_dict(self) -> dict[str, Any]:
        """The place as values of JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Progress:
        """The place that `to_dict` wrote."""
        history = [EpochResult(*entry) for entry in table["history"]]
        return cls(**{**table, "totals": Totals(**table["totals"]), "history": history})
