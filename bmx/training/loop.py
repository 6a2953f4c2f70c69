"""`fit`: the training loop in one call, with a cosine learning rate and a line per epoch."""

from __future__ import annotations

from typing import Any, Callable

from mxnet import gluon
from tqdm import tqdm

from bmx.gluon.data import Batches
from bmx.gluon.schedule import Cosine
from bmx.training.assembly import Assembly, Updates
from bmx.training.bar import Bar
from bmx.training.engine import Callback, Engine
from bmx.training.evaluation import accuracy
from bmx.training.objective import Objective
from bmx.training.optimizers import parameters
from bmx.training.progress import EpochResult


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
    before_step: Callable[[float], Any] | None = None,
) -> list[EpochResult]:
    """Trains a classifier; the learning rate falls along a cosine to 0.

    `bmx train` runs the same loop with everything it can do; see `Engine`.

    Args:
        net: initialized net; its output is logits (batch, classes).
        train_data: images and labels to learn from.
        val_data: held-out images and labels, measured after each epoch and never learned from.
        epochs: passes over `train_data`.
        optimizer: name of an MXNet optimizer.
        learning_rate: learning rate of the first step.
        optimizer_params: further arguments of the optimizer.
        name: name of the training, which begins the progress bar and each line.
        log: called with one line per epoch.
        criterion: called with logits (batch, classes) and labels (batch,); by default softmax cross-entropy.
        make_trainer: called with parameters, optimizer and its arguments; by default `gluon.Trainer`.
        before_step: called before each step with the share of the training so far, 0 to 1, which schedules
            of hyper-parameters follow.

    Returns:
        One result per epoch.

    Raises:
        NonFiniteLossError: the loss of a step is not finite; the message names the step.
    """
    arguments = {"learning_rate": learning_rate, **(optimizer_params or {})}
    trainer = make_trainer(parameters(net), optimizer, arguments)
    with Bar(name, epochs * train_data.sample_count) as bar:
        rate = Cosine(learning_rate, 0.0, epochs * len(train_data))
        assembly = Assembly(net, trainer, Objective(net, criterion), train_data, Updates(epochs), rate)
        callbacks = [_BeforeStep(before_step), bar, _Line(name, log)]
        return Engine(assembly, lambda: accuracy(net, val_data), callbacks=callbacks, name=name).run()


class _BeforeStep(Callback):
    def __init__(self, call: Callable[[float], Any] | None) -> None:
        self._call = call

    def before_update(self, engine: Engine) -> None:
        if self._call is not None:
            self._call(engine.done)


class _Line(Callback):
    def __init__(self, name: str, log: Callable[[str], None]) -> None:
        self._name, self._log = name, log

    def after_epoch(self, engine: Engine, result: EpochResult) -> None:
        speed = engine.data.sample_count / result.seconds
        self._log(
            f"{self._name}: epoch {result.epoch}/{engine.epochs}, loss {result.loss:.4f}, "
            f"held out {100 * result.accuracy:.2f} %, {result.seconds:.1f} s ({speed:.0f} images/s)"
        )
