"""A stage that runs: measured, saved and written down on the way."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Callable, ContextManager

from bmx.training import tensorboard
from bmx.training.assembly import Assembly
from bmx.training.bar import Bar
from bmx.training.callbacks import EpochLines, Saver, Schedules
from bmx.training.checkpoint import Checkpoint, restore, take
from bmx.training.engine import Callback, Engine
from bmx.training.evaluation import accuracy
from bmx.training.learning_rate import hyperparameter_schedules
from bmx.training.progress import Progress
from bmx.training.run_dir import RunDir
from bmx.training.schema import Config
from bmx.training.seeds import seed_of
from bmx.training.sources import Source


class StageRun:
    """The run of a stage.

    Args:
        config: description of the whole training.
        assembly: the stage, put together.
        source: images.
        run_dir: output folder.
        progress: place of the training, in this stage.
        log: called with lines.
    """

    def __init__(
        self,
        config: Config,
        assembly: Assembly,
        source: Source,
        run_dir: RunDir,
        progress: Progress,
        log: Callable[[str], None],
    ) -> None:
        self._config, self._assembly, self._source = config, assembly, source
        self._run_dir, self._progress, self._log = run_dir, progress, log
        number = progress.stage
        self._own, self._name = config.of_stage(number), config.all_stages[number].name
        self._is_last = number + 1 == len(config.all_stages)
        self._parameters = run_dir.last if self._is_last else run_dir.stage_file(number, self._name)

    @property
    def _states(self) -> Any:
        """The trainer, which has the states of the optimizers; None where servers have them."""
        return None if self._assembly.rate is None else self._assembly.trainer

    def restore(self, found: Checkpoint) -> None:
        """Puts the state of a checkpoint of this stage in place of the start."""
        restore(found, self._assembly.net, self._states, self._assembly.average)

    def run(self) -> None:
        """Trains to the end of the stage and keeps the parameters that it ends with."""
        with contextlib.ExitStack() as stack:
            Engine(
                self._assembly,
                self._validate if self._run_dir.main else None,
                self._own.training.validate_every,
                self._callbacks(stack),
                self._name,
                self._progress,
            ).run()
        if self._run_dir.main:
            with self._measured():
                self._run_dir.save_parameters(self._assembly.net, self._parameters)

    def _callbacks(self, stack: contextlib.ExitStack) -> list[Callback]:
        """What happens beside the steps; only the main machine has files and lines."""
        callbacks: list[Callback] = []
        schedules = hyperparameter_schedules(self._own.schedules, self._own.training.epochs)
        if schedules:
            callbacks.append(Schedules(self._assembly.net, schedules))
        if not self._run_dir.main:
            return callbacks
        callbacks += [stack.enter_context(self._bar()), EpochLines(self._log)]
        if tensorboard.is_available():
            events = tensorboard.Events(self._run_dir.events, self._assembly.net, self._progress.all_updates)
            stack.callback(events.close)
            callbacks.append(events)
        return [*callbacks, Saver(self._save, self._own.checkpoints.steps)]

    def _bar(self) -> Bar:
        per_epoch = self._assembly.data.sample_count
        done = self._progress.epoch * per_epoch + self._progress.totals.samples
        return Bar(self._name, self._own.training.epochs * per_epoch, done)

    def _validate(self) -> float:
        """Measures the net, and keeps it if it is the best of the last stage."""
        with self._measured():
            share = accuracy(self._assembly.net, self._source.held_out())
            if share > self._progress.best:
                self._progress.best, self._progress.best_epoch = share, self._progress.epoch + 1
                if self._is_last:
                    self._run_dir.save_parameters(self._assembly.net, self._run_dir.best)
        return share

    def _measured(self) -> ContextManager[None]:
        """Inside the ``with`` block the net is what the training gives: the averaged one, if there is one."""
        if self._assembly.average is None:
            return contextlib.nullcontext()
        seed = seed_of(self._own.training.seed, "statistics")
        batches = self._source.batches(seed, augmented=False)
        first = itertools.islice(batches, self._own.average.batches)
        return self._assembly.average.applied(images for images, _ in first)

    def _save(self) -> None:
        found = take(
            self._progress,
            self._assembly.net,
            self._states,
            self._assembly.average,
            self._run_dir.log_bytes(),
            self._config,
        )
        self._run_dir.checkpoints.write(found)
