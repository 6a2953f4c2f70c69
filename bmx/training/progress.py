"""Where a training is: the place that a checkpoint keeps and a resumed run goes on from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class EpochResult(NamedTuple):
    """What one epoch reached.

    Attributes:
        epoch: counted from 1.
        loss: mean training loss, while the weights moved.
        accuracy: share of held-out images that are classified right, 0 to 1; NaN where none were measured.
        seconds: time of the epoch's training steps.
        train_accuracy: share of training images that were, while the weights moved.
        learning_rate: of the last update.
        stage: counted from 1.
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
        stage: counted from 0.
        epoch: of the stage, counted from 0: epochs that are done.
        batch: batches of this epoch that are done.
        updates: of the stage that are done.
        all_updates: of all stages.
        best: largest accuracy on held-out images; -1 before the first measurement.
        best_epoch: counted from 1.
        totals: of this epoch.
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
        """An epoch is done."""
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, Totals()

    def next_stage(self) -> None:
        """A stage is done; what was best in it does not count in the next."""
        self.stage, self.epoch, self.batch, self.updates = self.stage + 1, 0, 0, 0
        self.best, self.best_epoch, self.totals = -1.0, 0, Totals()

    def to_dict(self) -> dict[str, Any]:
        """As values of JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Progress:
        """Back from `to_dict`."""
        history = [EpochResult(*entry) for entry in table["history"]]
        return cls(**{**table, "totals": Totals(**table["totals"]), "history": history})
