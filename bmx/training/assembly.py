"""A stage that is put together and not yet run: what the engine takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Protocol

from mxnet import gluon

from bmx.training.ema import WeightAverage
from bmx.training.mixup import Mixup
from bmx.training.objective import Objective
from bmx.training.seeds import Seeds

Rate = Callable[[float], float]


class Batched(Protocol):
    """Training data: what `bmx.training.Batches` is."""

    def __len__(self) -> int:
        """Number of batches in an epoch."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Images and labels of each batch."""

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Choose the epoch of the next pass, and its first batch; order and augmentation follow from it."""

    @property
    def sample_count(self) -> int:
        """Number of images in an epoch that this machine sees."""

    @property
    def order(self) -> Any:
        """Its ``step_size(step)`` is the number of images of a batch on all machines together."""


@dataclass(frozen=True)
class Updates:
    """The length of a stage, and what makes an update.

    Attributes:
        epochs: passes over the data.
        accumulate: passes forward and backward for one update.
        most: number of updates after which the stage ends; 0 for no such limit.
        clip_norm: largest length of the gradient; 0 for no limit.
    """

    epochs: int
    accumulate: int = 1
    most: int = 0
    clip_norm: float = 0.0

    def per_epoch(self, batches: int) -> int:
        """Updates of an epoch of so many batches."""
        return -(-batches // self.accumulate)

    def in_total(self, batches: int) -> int:
        """Updates of the whole stage."""
        planned = self.epochs * self.per_epoch(batches)
        return min(planned, self.most or planned)


@dataclass(frozen=True)
class Assembly:
    """The parts of a stage.

    Attributes:
        net: initialized net; its output is logits [batch, classes].
        trainer: trainer of the net's parameters.
        objective: loss of a batch.
        data: images and labels to learn from.
        updates: length of the stage, and what makes an update.
        rate: learning rate as a function of the updates of this stage so far; None leaves it to the trainer,
            as where servers update the weights.
        mixup: mixing of the images of a batch.
        average: average of the weights, updated after each step; None for none.
        seeds: seeds of MXNet's generator.
    """

    net: gluon.HybridBlock
    trainer: gluon.Trainer
    objective: Objective
    data: Batched
    updates: Updates
    rate: Rate | None = None
    mixup: Mixup = Mixup()
    average: WeightAverage | None = None
    seeds: Seeds = Seeds()

    @property
    def updates_per_epoch(self) -> int:
        """Updates of one epoch."""
        return self.updates.per_epoch(len(self.data))

    @property
    def updates_in_total(self) -> int:
        """Updates of the whole stage."""
        return self.updates.in_total(len(self.data))
