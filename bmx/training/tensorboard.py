"""TensorBoard event files: loss, accuracy, learning rate, flips of binary weights, and their histograms.

Written by tensorboardX, which needs neither TensorFlow nor TensorBoard.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

from mxnet import gluon

from bmx.gluon.metric import FlipRatio
from bmx.gluon.optimizer import is_binary
from bmx.training.engine import Callback, Engine
from bmx.training.optimizers import parameters
from bmx.training.progress import EpochResult


def is_available() -> bool:
    """Whether tensorboardX is installed."""
    return importlib.util.find_spec("tensorboardX") is not None


class Events(Callback):
    """Writes event files.

    Loss and learning rate every few updates, the rest each epoch; steps count updates of all stages. The flip
    ratio is the share of binary weights whose sign has changed since the epoch before (or since the run was
    resumed).

    Args:
        folder: folder of the files.
        net: initialized net.
        updates: number of updates so far; events of later ones, if there are any, are marked as gone.
        every: updates from one loss and learning rate to the next.
    """

    def __init__(self, folder: Path, net: gluon.Block, updates: int = 0, every: int = 10) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=updates or None)
        self._params = parameters(net)
        self._flips = FlipRatio(net) if any(map(is_binary, self._params)) else None
        self._every = every
        self._loss = math.nan

    def after_batch(self, engine: Engine, loss: float, samples: int) -> None:
        """Remembers the loss of a batch."""
        self._loss = loss

    def after_update(self, engine: Engine) -> None:
        """Writes loss and learning rate."""
        step = engine.progress.all_updates
        if step % self._every == 0:
            self._writer.add_scalar("loss/batch", self._loss, step)
            self._writer.add_scalar("learning_rate", engine.trainer.learning_rate, step)

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        """Writes the results of an epoch, and histograms of weights."""
        step = engine.progress.all_updates
        scalars = {
            "loss/epoch": result.loss,
            "accuracy/train": result.train_accuracy,
            "accuracy/held_out": result.accuracy,
            "learning_rate": result.learning_rate,
            "images_per_second": engine.data.sample_count / result.seconds,
        }
        if self._flips is not None:
            self._flips.update()
            scalars["flip_ratio"] = self._flips.get()[1][0]
            self._flips.reset()
        for name, value in scalars.items():
            if math.isfinite(value):
                self._writer.add_scalar(name, value, step)
        for parameter in self._params:
            if parameter.name.endswith("weight"):
                self._writer.add_histogram(parameter.name, parameter.data().asnumpy(), step)
        self._writer.flush()

    def close(self) -> None:
        """Writes everything to the disk."""
        self._writer.close()
