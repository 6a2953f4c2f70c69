"""The training loop. There is no other one: `fit` and `bmx train` are both made of it."""

from __future__ import annotations

import math
import time
from typing import Callable, Sequence

import mxnet as mx
from mxnet import autograd, gluon

from bmx.training.accumulate import Accumulation
from bmx.training.assembly import Assembly
from bmx.training.mixup import Mixed, mixup
from bmx.training.nonfinite import NonFiniteLossError, diagnose
from bmx.training.optimizers import parameters
from bmx.training.progress import EpochResult, Progress


class Callback:
    """A listener to a training; does nothing unless a method is overridden."""

    def before_update(self, engine: Engine) -> None:
        """Called before the passes that make an update."""

    def after_batch(self, engine: Engine, loss: float, samples: int) -> None:
        """Called after each pass; ``loss`` is the batch's mean."""

    def after_update(self, engine: Engine) -> None:
        """Called after each update, with ``engine.progress`` at the next batch."""

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        """Called after the measurement on held-out images, with ``engine.progress`` at the next epoch."""


class Engine:
    """Trains a classifier through the epochs of one stage.

    Args:
        assembly: the stage, put together.
        validate: measures the accuracy on held-out images, 0 to 1; None to measure nothing.
        validate_every: epochs from one measurement to the next; the last epoch is always measured.
        callbacks: callbacks, told in this order.
        name: name of the stage, which begins error messages.
        progress: place to start from; the beginning by default.

    Attributes:
        progress: place of the training.
        net: net of the assembly.
        trainer: trainer of the assembly.
        data: data of the assembly.
        epochs: passes over the data.
    """

    def __init__(
        self,
        assembly: Assembly,
        validate: Callable[[], float] | None = None,
        validate_every: int = 1,
        callbacks: Sequence[Callback] = (),
        name: str = "training",
        progress: Progress | None = None,
    ) -> None:
        self.net, self.trainer, self.data = assembly.net, assembly.trainer, assembly.data
        self.epochs = assembly.updates.epochs
        self.progress = progress or Progress()
        self._assembly = assembly
        self._validate, self._validate_every = validate, validate_every
        self._callbacks, self._name = callbacks, name
        self._params = parameters(assembly.net)
        self._accumulation = Accumulation(self._params, assembly.updates.accumulate)

    @property
    def updates(self) -> int:
        """Updates of the whole stage."""
        return self._assembly.updates_in_total

    @property
    def done(self) -> float:
        """Share of the stage's updates made so far, 0 to 1."""
        return self.progress.updates / self.updates

    @property
    def epochs_done(self) -> float:
        """Epochs of the stage so far, with fractions."""
        return self.progress.updates / self._assembly.updates_per_epoch

    @property
    def ended(self) -> bool:
        """Whether all updates of the stage have been made."""
        return self.progress.epoch >= self.epochs or self.progress.updates >= self.updates

    def run(self) -> list[EpochResult]:
        """Trains to the end of the stage.

        Returns:
            One result for each epoch of it that ended in this run.

        Raises:
            NonFiniteLossError: the loss of a batch is not finite; the message says which batch, where in the
                net it began, and what may help.
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

    def _batch(self, images: mx.nd.NDArray, labels: mx.nd.NDArray) -> None:
        """One pass, and the update that is due after it."""
        progress = self.progress
        if self._accumulation.samples == 0:
            self._before_update()
        batch = self._mixed(images, labels)
        with autograd.record():
            loss, logits = self._assembly.objective(batch)
        loss.backward()
        right = (logits.argmax(axis=1) == batch.labels.astype(logits.dtype)).sum()
        mean, right = mx.nd.concat(loss.mean().reshape(1), right.reshape(1), dim=0).asnumpy().tolist()
        progress.batch += 1
        if not math.isfinite(mean):
            raise NonFiniteLossError(
                f"{self._describe_place()}: the loss is {mean}: {diagnose(self.net, batch.images)}"
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
        if self._assembly.rate is not None:
            self.trainer.set_learning_rate(self._assembly.rate(self.progress.updates))
        for callback in self._callbacks:
            callback.before_update(self)

    def _mixed(self, images: mx.nd.NDArray, labels: mx.nd.NDArray) -> Mixed:
        mix = self._assembly.mixup
        if not mix.is_on(self.progress.epoch, self.epochs):
            return Mixed(images, labels)
        return mixup(images, labels, mix.alpha, self._assembly.seeds.random(*self._place, use="mixup"))

    def _update(self, samples: int) -> None:
        """Updates from gradients that are sums over this machine's part of so many samples."""
        clip_norm = self._assembly.updates.clip_norm
        if clip_norm:
            self.trainer.allreduce_grads()
            gradients = [gradient for p in self._params if p.grad_req != "null" for gradient in p.list_grad()]
            gluon.utils.clip_global_norm(gradients, clip_norm * samples, check_isfinite=False)
            self.trainer.update(samples)
        else:
            self.trainer.step(samples)
        if self._assembly.average is not None:
            self._assembly.average.update()
        progress = self.progress
        progress.updates += 1
        progress.all_updates += 1
        every = self._assembly.seeds.every
        if every and progress.updates % every == 0:
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
        self._assembly.seeds.seed_mxnet(*self._place)

    @property
    def _place(self) -> tuple[int, int, int]:
        return self.progress.stage, self.progress.epoch, self.progress.batch

    def _describe_place(self) -> str:
        progress = self.progress
        return f"{self._name}, epoch {progress.epoch + 1}, step {progress.batch} of {len(self.data)}"
