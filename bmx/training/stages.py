"""One stage of a training: the net, who updates it, and what is written down, put together."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any, Callable, ContextManager

from mxnet import gluon

from bmx.training import tensorboard
from bmx.training.bar import Bar
from bmx.training.callbacks import EpochLines, Saver, Schedules
from bmx.training.checkpoint import Checkpoint, restore, take
from bmx.training.config import Config, Model, Stage
from bmx.training.distill import Teacher
from bmx.training.ema import WeightAverage
from bmx.training.engine import Callback, Engine
from bmx.training.evaluation import accuracy
from bmx.training.learning_rate import hyperparameter_schedules, learning_rate
from bmx.training.machines import StageStore, make_server_trainer, updates_on_servers
from bmx.training.models import Builder, load_parameters, make_net
from bmx.training.objective import Objective, criterion
from bmx.training.optimizers import make_trainer, parameters
from bmx.training.progress import Progress
from bmx.training.reading import ConfigError
from bmx.training.run_dir import RunDir
from bmx.training.seeds import seed_everything, seed_of
from bmx.training.sources import Source

_KEYS = 1_000_000  # of a key-value store, for each stage


class StageRun:
    """A stage that is ready to be trained.

    Args:
        whole: description of the training.
        number: of the stage, from 0.
        source: images.
        run_dir: where the parameters of the stages before are, and all is written to.
        progress: where the training is.
        build: makes a net from name and arguments.
        log: called with lines.
        store: key-value store of several machines; None for one.
        part: (rank, workers).

    Attributes:
        net: the stage's net.
    """

    def __init__(
        self,
        whole: Config,
        number: int,
        source: Source,
        run_dir: RunDir,
        progress: Progress,
        build: Builder,
        log: Callable[[str], None],
        store: Any = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self._whole, self._number, self._source = whole, number, source
        self._run_dir, self._progress, self._build, self._log = run_dir, progress, build, log
        self._part = part
        self._config = whole.of_stage(number)
        self._is_last = number + 1 == len(whole.all_stages)
        seed = self._config.training.seed
        seed_everything(seed_of(seed, number, "teacher"))
        teacher = self._teacher_net()
        seed_everything(seed_of(seed, number, "net"))
        self.net = net_of_stage(whole, number, source, build)
        if number and not self._stage.fresh:
            load_parameters(self.net, self._file(number - 1))
        self._teacher = None
        if teacher is not None:
            self._teacher = Teacher(self._config.teacher, teacher, self.net, source.shape)
        self._data = source.batches(seed_of(seed, number, "order"), part)
        training = self._config.training
        self._per_epoch = -(-len(self._data) // training.accumulate)
        planned = training.epochs * self._per_epoch
        self._updates = min(planned, training.steps or planned)
        self._on_servers = updates_on_servers(store)
        self._trainer = self._make_trainer(store)
        decay = self._config.average.decay
        self._average = WeightAverage(self.net, decay) if decay else None

    def _make_trainer(self, store: Any) -> gluon.Trainer:
        config, params = self._config, parameters(self.net)
        if store is not None:
            store = StageStore(store, first=self._number * _KEYS)
        if not self._on_servers:
            return make_trainer(self.net, config.optimizer, store)
        if config.training.clip_norm:
            raise ConfigError("training.clip_norm: servers cannot do it; leave it out or choose 'dist_sync'")
        rate, updates = config.learning_rate, self._updates
        return make_server_trainer(params, config.optimizer, rate, updates, self._per_epoch, store)

    @property
    def _stage(self) -> Stage:
        return self._whole.all_stages[self._number]

    def _file(self, number: int) -> Path:
        return self._run_dir.stage_file(number, self._whole.all_stages[number].name)

    def restore(self, found: Checkpoint) -> None:
        """Puts the state of a checkpoint of this stage in place of the start."""
        restore(found, self.net, None if self._on_servers else self._trainer, self._average)

    def run(self) -> None:
        """Trains to the end of the stage and keeps the parameters that it ends with."""
        with contextlib.ExitStack() as stack:
            self._engine(stack).run()
        if not self._run_dir.main:
            return
        with self._measured():
            path = self._run_dir.path / "last.params" if self._is_last else self._file(self._number)
            self._run_dir.save_parameters(self.net, path)

    def _engine(self, stack: contextlib.ExitStack) -> Engine:
        config, training, data = self._config, self._config.training, self._data
        start, updates = config.optimizer.learning_rate, self._updates
        rate = learning_rate(config.learning_rate, start, updates, self._per_epoch)
        return Engine(
            self.net,
            self._trainer,
            Objective(self.net, criterion(config.loss), config.loss.weight, self._teacher),
            data,
            training.epochs,
            None if self._on_servers else rate,
            self._validate if self._run_dir.main else None,
            validate_every=training.validate_every,
            callbacks=self._callbacks(stack),
            name=self._stage.name,
            accumulate=training.accumulate,
            max_updates=training.steps,
            clip_norm=training.clip_norm,
            mix=config.loss.mixup,
            mix_off=config.loss.mixup_off,
            average=self._average,
            seed=training.seed,
            reseed=config.checkpoints.steps,
            rank=self._part[0],
            progress=self._progress,
        )

    def _callbacks(self, stack: contextlib.ExitStack) -> list[Callback]:
        """What happens beside the steps; files and lines are those of the main machine."""
        config = self._config
        callbacks: list[Callback] = []
        schedules = hyperparameter_schedules(config.schedules, config.training.epochs)
        if schedules:
            callbacks.append(Schedules(self.net, schedules))
        if not self._run_dir.main:
            return callbacks
        per_epoch = self._data.sample_count
        images = config.training.epochs * per_epoch
        done = self._progress.epoch * per_epoch + self._progress.totals.samples
        callbacks += [stack.enter_context(Bar(self._stage.name, images, done)), EpochLines(self._log)]
        if tensorboard.is_available():
            events = tensorboard.Events(self._run_dir.events, self.net, self._progress.all_updates)
            stack.callback(events.close)
            callbacks.append(events)
        return [*callbacks, Saver(self._save, config.checkpoints.steps)]

    def _validate(self) -> float:
        """Measures the net, and keeps it if it is the best of the last stage."""
        with self._measured():
            share = accuracy(self.net, self._source.held_out())
            if share > self._progress.best:
                self._progress.best, self._progress.best_epoch = share, self._progress.epoch + 1
                if self._is_last:
                    self._run_dir.save_parameters(self.net, self._run_dir.path / "best.params")
        return share

    def _measured(self) -> ContextManager[None]:
        """Inside the ``with`` block the net is what the training gives: the averaged one, if there is one."""
        if self._average is None:
            return contextlib.nullcontext()
        config = self._config
        batches = self._source.batches(seed_of(config.training.seed, "statistics"), augmented=False)
        first = itertools.islice(batches, config.average.batches)
        return self._average.applied(images for images, _ in first)

    def _save(self) -> None:
        found = take(
            self._progress,
            self.net,
            None if self._on_servers else self._trainer,
            self._average,
            self._run_dir.log_bytes(),
            self._whole,
        )
        self._run_dir.checkpoints.write(found)

    def _teacher_net(self) -> gluon.HybridBlock | None:
        teacher, source = self._config.teacher, self._source
        if teacher.previous:
            if not self._number:
                raise ConfigError(
                    "teacher.previous: the first stage has none before it; name a teacher.model"
                )
            net = net_of_stage(self._whole, self._number - 1, source, self._build)
            load_parameters(net, self._file(self._number - 1))
            return net
        if not teacher.model:
            return None
        arguments = {**teacher.arguments, **({"pretrained": True} if teacher.pretrained else {})}
        model = Model(name=teacher.model, arguments=arguments, params=teacher.params)
        return make_net(model, len(source.classes), source.shape, self._build)


def net_of_stage(whole: Config, number: int, source: Source, build: Builder) -> gluon.HybridBlock:
    """The net of a stage with its first parameters."""
    stage, model = whole.all_stages[number], whole.of_stage(number).model
    return make_net(model, len(source.classes), source.shape, build, stage.weights, stage.activations)
