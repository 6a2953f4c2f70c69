"""Callbacks of a training: lines in the log, schedules, checkpoints."""

from __future__ import annotations

import math
from typing import Callable, Mapping

from mxnet import gluon

from bmx.gluon.schedule import Schedule
from bmx.training.engine import Callback, Engine
from bmx.training.progress import EpochResult

Log = Callable[[str], None]


class EpochLines(Callback):
    """One line an epoch, in GluonCV's format: `[Epoch N] train=%f val=%f loss=%f time: %f`, N from 0."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        """Writes the line of an epoch."""
        val = "" if math.isnan(result.accuracy) else f" val={result.accuracy:f}"
        self._log(
            f"[Epoch {result.epoch - 1}] train={result.train_accuracy:f}{val} loss={result.loss:f} "
            f"time: {result.seconds:f}"
        )


class Schedules(Callback):
    """Sets hyper-parameters of quantizers by schedules of the epoch, before each update."""

    def __init__(self, net: gluon.Block, schedules: Mapping[str, Callable[[float], float]]) -> None:
        self._schedule = Schedule(net, **schedules)

    def before_update(self, engine: Engine) -> None:
        """Sets the values of this moment."""
        self._schedule(engine.epochs_done)


class Saver(Callback):
    """Calls ``save`` every ``steps`` updates of an epoch, and at its end."""

    def __init__(self, save: Callable[[], None], steps: int) -> None:
        self._save = save
        self._steps = steps

    def after_update(self, engine: Engine) -> None:
        """Saves every so many updates."""
        if self._steps and engine.progress.updates % self._steps == 0:
            self._save()

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        """Saves at the end of an epoch."""
        self._save()
