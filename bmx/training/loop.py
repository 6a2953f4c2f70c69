"""The training loop: cosine learning rate, progress, a line per epoch, a stop at the first bad number."""

from __future__ import annotations

import math
import time
from typing import Any, Callable, NamedTuple

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from tqdm import tqdm

from bmx.training.batches import Batches


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or NaN, so further steps would only spread it."""


class EpochResult(NamedTuple):
    """What one epoch reached.

    Attributes:
        epoch: counted from 1.
        loss: mean training loss, while the weights moved.
        accuracy: share of held-out images that are classified right, 0 to 1.
        seconds: time of the epoch's training steps.
    """

    epoch: int
    loss: float
    accuracy: float
    seconds: float


def fit(
    net: gluon.HybridBlock,
    train_data: Batches,
    val_data: Batches,
    epochs: int,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    optimizer_params: dict[str, Any] | None = None,
    name: str = "training",
    log: Callable[[str], None] = tqdm.write,
    criterion: gluon.loss.Loss | None = None,
    make_trainer: Callable[..., gluon.Trainer] = gluon.Trainer,
    before_step: Callable[[float], None] | None = None,
) -> list[EpochResult]:
    """Trains a classifier; the learning rate falls along a cosine to 0.

    Args:
        net: initialised; its output is logits (batch, classes).
        train_data: what to learn from.
        val_data: held out; measured after each epoch, never learned from.
        epochs: passes over `train_data`.
        optimizer: name of an MXNet optimizer.
        learning_rate: at the first step.
        optimizer_params: further arguments of the optimizer.
        name: stands in front of the progress bar and of each line.
        log: called with one line per epoch.
        criterion: called with logits (batch, classes) and labels (batch,); by default softmax cross-entropy.
        make_trainer: called with parameters, optimizer and its arguments; by default `gluon.Trainer`.
        before_step: called in front of each step with the part of the training that is done, 0 to 1, which
            is what schedules of hyper-parameters follow.

    Returns:
        One result per epoch.

    Raises:
        NonFiniteLossError: at the first step whose loss is not finite; the message names the step.
    """
    schedule = mx.lr_scheduler.CosineScheduler(epochs * len(train_data), base_lr=learning_rate, final_lr=0)
    arguments = {"learning_rate": learning_rate, "lr_scheduler": schedule, **(optimizer_params or {})}
    trainer = make_trainer(net.collect_params(), optimizer, arguments)
    criterion = criterion or gluon.loss.SoftmaxCrossEntropyLoss()
    results = []
    with _progress_bar(name, epochs * train_data.sample_count) as bar:
        for epoch in range(1, epochs + 1):
            start = time.perf_counter()
            done = _Progress(epoch - 1, epochs, len(train_data), before_step)
            loss = _train_epoch(net, trainer, criterion, train_data, f"{name}, epoch {epoch}", bar, done)
            seconds = time.perf_counter() - start
            result = EpochResult(epoch, loss, accuracy(net, val_data), seconds)
            results.append(result)
            log(_line(name, result, epochs, train_data.sample_count))
    return results


def predict(net: gluon.HybridBlock, data: Batches) -> np.ndarray:
    """Class of the largest logit: int64 (count,). `data` must not shuffle."""
    return np.concatenate([net(images).argmax(axis=1).asnumpy() for images, _ in data]).astype(np.int64)


def accuracy(net: gluon.HybridBlock, data: Batches) -> float:
    """Share of images that are classified right, 0 to 1."""
    right = sum(int((net(images).argmax(axis=1) == labels).sum().asscalar()) for images, labels in data)
    return right / data.sample_count


class _Progress(NamedTuple):
    """Tells a schedule how far the training is."""

    epochs_done: int
    epochs: int
    steps: int
    before_step: Callable[[float], None] | None

    def tell(self, step: int) -> None:
        """Before step 1, 2, ... of the epoch."""
        if self.before_step is not None:
            self.before_step((self.epochs_done + (step - 1) / self.steps) / self.epochs)


def _train_epoch(
    net: gluon.HybridBlock,
    trainer: gluon.Trainer,
    criterion: gluon.loss.Loss,
    data: Batches,
    where: str,
    bar: tqdm,
    progress: _Progress,
) -> float:
    """One pass; returns the mean loss."""
    total = 0.0
    for step, (images, labels) in enumerate(data, start=1):
        progress.tell(step)
        with autograd.record():
            loss = criterion(net(images), labels)
        loss.backward()
        trainer.step(len(images))
        mean = float(loss.mean().asscalar())
        if not math.isfinite(mean):
            raise NonFiniteLossError(
                f"{where}, step {step} of {len(data)}: the loss is {mean}; lower the learning rate "
                f"(now {trainer.learning_rate:g}) or look for bad values in the data"
            )
        total += mean * len(images)
        bar.update(len(images))
        bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
    return total / data.sample_count


def _progress_bar(name: str, images: int) -> tqdm:
    """A bar with images per second and the time left; nothing where the output is not a terminal."""
    return tqdm(total=images, desc=name, unit=" images", unit_scale=True, leave=False, disable=None)


def _line(name: str, result: EpochResult, epochs: int, images: int) -> str:
    speed = images / result.seconds
    return (
        f"{name}: epoch {result.epoch}/{epochs}, loss {result.loss:.4f}, "
        f"held out {100 * result.accuracy:.2f} %, {result.seconds:.1f} s ({speed:.0f} images/s)"
    )
