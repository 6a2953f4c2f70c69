"""A stage from its description: net, trainer, objective and data, put together.

Nothing is written or logged here, and nothing runs; only parameter files that are named are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from mxnet import gluon

from bmx.gluon.loss import LabelSmoothing, SquaredHinge
from bmx.gluon.sources import build_model
from bmx.training.assembly import Assembly, Batched, Updates
from bmx.training.distill import Teacher
from bmx.training.ema import WeightAverage
from bmx.training.learning_rate import learning_rate
from bmx.training.limits import ConfigError
from bmx.training.machines import ALONE, Machines, make_server_trainer
from bmx.training.mixup import Mixup
from bmx.training.models import Builder, load_parameters, make_net
from bmx.training.objective import Criterion, Objective
from bmx.training.optimizers import make_trainer, parameters
from bmx.training.schema import Config, Loss, Model
from bmx.training.seeds import Seeds, seed_everything, seed_of
from bmx.training.sources import Source


def build_stage(
    config: Config,
    source: Source,
    number: int = 0,
    before: Path | None = None,
    build: Builder = build_model,
    machines: Machines = ALONE,
) -> Assembly:
    """Puts a stage together; seeds the generators of Python, NumPy and MXNet.

    Args:
        config: description of the whole training.
        source: images.
        number: number of the stage, from 0.
        before: parameter file of the stage before; needed by every stage but the first.
        build: function from a net's name and arguments to the net.
        machines: machines that train together.

    Raises:
        ConfigError: something in the description is not known, or does not fit.
    """
    own = config.of_stage(number)
    seed = own.training.seed
    seed_everything(seed_of(seed, number, "teacher"))
    teacher = _teacher_net(config, source, number, before, build)
    seed_everything(seed_of(seed, number, "net"))
    net = net_of_stage(config, source, number, build)
    if before is not None and not config.all_stages[number].fresh:
        load_parameters(net, before)
    against = None if teacher is None else Teacher(own.teacher, teacher, net, source.shape)
    data = source.batches(seed_of(seed, number, "order"), machines.part)
    updates = Updates(
        own.training.epochs, own.training.accumulate, own.training.steps, own.training.clip_norm
    )
    trainer, rate = _trainer_and_rate(own, net, data, updates, machines.of_stage(number))
    return Assembly(
        net,
        trainer,
        Objective(net, criterion(own.loss), own.loss.weight, against),
        data,
        updates,
        rate,
        Mixup(own.loss.mixup, own.loss.mixup_off),
        WeightAverage(net, own.average.decay) if own.average.decay else None,
        Seeds(seed, own.checkpoints.steps, machines.rank),
    )


def net_of_stage(
    config: Config, source: Source, number: int, build: Builder = build_model
) -> gluon.HybridBlock:
    """The net of a stage with its first parameters."""
    stage, model = config.all_stages[number], config.of_stage(number).model
    return make_net(model, len(source.classes), source.shape, build, stage.weights, stage.activations)


def criterion(loss: Loss) -> Criterion:
    """The loss of labels that is described."""
    if loss.name == "squared_hinge":
        return SquaredHinge()
    return (
        LabelSmoothing(loss.label_smoothing) if loss.label_smoothing else gluon.loss.SoftmaxCrossEntropyLoss()
    )


def _teacher_net(
    config: Config, source: Source, number: int, before: Path | None, build: Builder
) -> gluon.HybridBlock | None:
    teacher = config.of_stage(number).teacher
    if teacher.previous:
        if before is None:
            raise ConfigError(
                "teacher.previous: expected a stage before, found the first; name a teacher.model"
            )
        net = net_of_stage(config, source, number - 1, build)
        load_parameters(net, before)
        return net
    if not teacher.model:
        return None
    arguments = {**teacher.arguments, **({"pretrained": True} if teacher.pretrained else {})}
    model = Model(name=teacher.model, arguments=arguments, params=teacher.params)
    return make_net(model, len(source.classes), source.shape, build)


def _trainer_and_rate(
    own: Config, net: gluon.Block, data: Batched, updates: Updates, machines: Machines
) -> tuple[gluon.Trainer, Callable[[float], float] | None]:
    """The trainer, and the learning rate unless servers keep it."""
    total, per_epoch = updates.in_total(len(data)), updates.per_epoch(len(data))
    if not machines.on_servers:
        rate = learning_rate(own.learning_rate, own.optimizer.learning_rate, total, per_epoch)
        return make_trainer(net, own.optimizer, machines.store), rate
    if updates.clip_norm:
        raise ConfigError(
            "training.clip_norm: expected 0 with 'dist_async', whose servers do not clip, found "
            f"{updates.clip_norm}; leave it out or choose 'dist_sync'"
        )
    store = machines.store
    trainer = make_server_trainer(parameters(net), own.optimizer, own.learning_rate, total, per_epoch, store)
    return trainer, None
