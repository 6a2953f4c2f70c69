"""The training loop. There is no other one: `fit` and `bmx train` are made of it."""

from __future__ import annotations

import math
import time
from typing import Any, Callable, Iterator, Protocol, Sequence

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from bmx.training.accumulate import Accumulation
from bmx.training.ema import WeightAverage
from bmx.training.mixup import Mixed, mixup
from bmx.training.nonfinite import NonFiniteLossError, diagnose
from bmx.training.objective import Objective
from bmx.training.optimizers import parameters
from bmx.training.progress import EpochResult, Progress
from bmx.training.seeds import seed_mxnet, seed_of


class Batched(Protocol):
    """Training data: what `bmx.training.Batches` is."""

    def __len__(self) -> int:
        """Batches of an epoch."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Images and labels of each batch."""

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Choose the epoch of the next pass, and its first batch; order and augmentation follow from it."""

    @property
    def sample_count(self) -> int:
        """Images of an epoch that this machine sees."""

    @property
    def order(self) -> Any:
        """Its ``step_size(step)`` is the number of images of a batch on all machines together."""


class Callback:
    """What is told how a training goes; does nothing unless a method is overridden."""

    def before_update(self, engine: Engine) -> None:
        """Before the passes that make an update; ``engine.done`` of the stage is done."""

    def after_batch(self, engine: Engine, loss: float, samples: int) -> None:
        """Behind each pass; ``loss`` is the batch's mean."""

    def after_update(self, engine: Engine) -> None:
        """Behind each update, with ``engine.progress`` at the next batch."""

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        """Behind the measurement on held-out images, with ``engine.progress`` at the next epoch."""


class Engine:
    """Trains a classifier through the epochs of one stage.

    Args:
        net: initialised; its output is logits (batch, classes).
        trainer: of the net's parameters.
        objective: what is made small.
        data: what to learn from.
        epochs: passes over ``data``.
        rate: learning rate as a function of the updates of this stage so far; None leaves it to the trainer.
        validate: accuracy on held-out images, 0 to 1; None to measure nothing.
        validate_every: epochs from one measurement to the next; the last epoch is always measured.
        callbacks: told in this order.
        name: stands in front of error messages.
        accumulate: passes for one update.
        max_updates: stop behind so many updates; 0 for no limit.
        clip_norm: largest length of the gradient; 0 for no limit.
        mix: alpha of mixup; 0 for none.
        mix_off: epochs at the end without it.
        average: of the weights, updated behind each step.
        seed: MXNet's generator is seeded from it, with the place of the training, at the start of each epoch
            and every ``reseed`` updates; None leaves it alone.
        reseed: see there; 0 for the start of epochs only.
        rank: number of this machine among those that train together.
        progress: where to go on; at the start by default.

    Attributes:
        progress: where the training is.
        epochs: as given.
    """

    def __init__(
        self,
        net: gluon.Block,
        trainer: gluon.Trainer,
        objective: Objective,
        data: Batched,
        epochs: int,
        rate: Callable[[float], float] | None,
        validate: Callable[[], float] | None = None,
        *,
        validate_every: int = 1,
        callbacks: Sequence[Callback] = (),
        name: str = "training",
        accumulate: int = 1,
        max_updates: int = 0,
        clip_norm: float = 0.0,
        mix: float = 0.0,
        mix_off: int = 0,
        average: WeightAverage | None = None,
        seed: int | None = None,
        reseed: int = 0,
        rank: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.net, self.trainer, self.data, self.epochs = net, trainer, data, epochs
        self.progress = progress or Progress()
        self.average = average
        self.name = name
        self._objective = objective
        self._rate = rate
        self._validate = validate
        self._validate_every = validate_every
        self._callbacks = callbacks
        self._params = parameters(net)
        self._accumulation = Accumulation(self._params, accumulate)
        self._accumulate = accumulate
        self._max_updates = max_updates
        self._clip_norm = clip_norm
        self._mix, self._mix_off = mix, mix_off
        self._seed, self._reseed = seed, reseed
        self._rank = rank

    @property
    def updates_per_epoch(self) -> int:
        """Updates of one epoch."""
        return -(-len(self.data) // self._accumulate)

    @property
    def updates(self) -> int:
        """Updates of the whole stage."""
        planned = self.epochs * self.updates_per_epoch
        return min(planned, self._max_updates) if self._max_updates else planned

    @property
    def done(self) -> float:
        """Share of the stage's updates that is done, 0 to 1."""
        return self.progress.updates / self.updates

    @property
    def epochs_done(self) -> float:
        """Epochs of the stage that are done, with fractions."""
        return self.progress.updates / self.updates_per_epoch

    @property
    def ended(self) -> bool:
        """Whether all updates of the stage are done."""
        return self.progress.epoch >= self.epochs or self.progress.updates >= self.updates

    def run(self) -> list[EpochResult]:
        """Trains to the end of the stage.

        Returns:
            One result for each epoch of it that ended in this run.

        Raises:
            NonFiniteLossError: at the first batch whose loss is not finite; the message says which, where
                in the net it began, and what may help.
        """
        before = len(self.progress.history)
        while not self.ended:
            self._run_epoch()
        return self.progress.history[before:]

    def _run_epoch(self) -> None:
        progress = self.progress
        self.data.set_epoch(progress.epoch, progress.batch)
        self._seed_generators()
        start = time.perf_counter()
        for images, labels in self.data:
            self._batch(images, labels)
            progress.totals.seconds += time.perf_counter() - start
            if self._accumulation.samples == 0:  # an update was made
                for callback in self._callbacks:
                    callback.after_update(self)
                if progress.updates >= self.updates:
                    break
            start = time.perf_counter()
        self._end_epoch()

    def _batch(self, images: Any, labels: Any) -> None:
        """One pass, and the update that is due behind it."""
        progress = self.progress
        if self._accumulation.samples == 0:
            self._before_update()
        batch = self._mixed(images, labels)
        with autograd.record():
            loss, logits = self._objective(batch)
        loss.backward()
        right = (logits.argmax(axis=1) == batch.labels.astype(logits.dtype)).sum()
        mean, right = mx.nd.concat(loss.mean().reshape(1), right.reshape(1), dim=0).asnumpy().tolist()
        progress.batch += 1
        if not math.isfinite(mean):
            raise NonFiniteLossError(
                f"{self._place()}: the loss is {mean}: {diagnose(self.net, batch.images)}"
            )
        samples = len(images)
        progress.totals.loss += mean * samples
        progress.totals.right += int(right)
        progress.totals.samples += samples
        everywhere = self.data.order.step_size(progress.batch - 1)
        if self._accumulation.add(everywhere, last=progress.batch == len(self.data)):
            self._update(self._accumulation.samples)
            self._accumulation.reset()
        for callback in self._callbacks:
            callback.after_batch(self, mean, samples)

    def _before_update(self) -> None:
        if self._rate is not None:
            self.trainer.set_learning_rate(self._rate(self.progress.updates))
        for callback in self._callbacks:
            callback.before_update(self)

    def _mixed(self, images: Any, labels: Any) -> Mixed:
        progress = self.progress
        if not self._mix or progress.epoch >= self.epochs - self._mix_off:
            return Mixed(images, labels)
        random = np.random.RandomState(seed_of(self._seed, *self._place_numbers(), "mixup"))
        return mixup(images, labels, self._mix, random)

    def _update(self, samples: int) -> None:
        """From gradients that are sums over this machine's part of so many samples."""
        if self._clip_norm:
            self.trainer.allreduce_grads()
            gradients = [gradient for p in self._params if p.grad_req != "null" for gradient in p.list_grad()]
            gluon.utils.clip_global_norm(gradients, self._clip_norm * samples, check_isfinite=False)
            self.trainer.update(samples)
        else:
            self.trainer.step(samples)
        if self.average is not None:
            self.average.update()
        progress = self.progress
        progress.updates += 1
        progress.all_updates += 1
        if self._reseed and progress.updates % self._reseed == 0:
            self._seed_generators()

    def _end_epoch(self) -> None:
        progress = self.progress
        totals = progress.totals
        last = progress.epoch + 1 >= self.epochs or progress.updates >= self.updates
        measure = last or (progress.epoch + 1) % self._validate_every == 0
        accuracy = self._validate() if self._validate is not None and measure else math.nan
        result = EpochResult(
            progress.epoch + 1,
            totals.loss / totals.samples,
            accuracy,
            totals.seconds,
            totals.right / totals.samples,
            self.trainer.learning_rate,
            progress.stage + 1,
        )
        progress.history.append(result)
        progress.next_epoch()
        for callback in self._callbacks:
            callback.after_epoch(self, result)

    def _seed_generators(self) -> None:
        if self._seed is not None:
            seed_mxnet(self._seed, *self._place_numbers())

    def _place_numbers(self) -> tuple[int, ...]:
        return self.progress.stage, self.progress.epoch, self.progress.batch, self._rank

    def _place(self) -> str:
        progress = self.progress
        return f"{self.name}, epoch {progress.epoch + 1}, step {progress.batch} of {len(self.data)}"
