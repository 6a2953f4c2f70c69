"""A described training from its first stage to its last, in an output folder from which it can resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from mxnet import gluon
from tqdm import tqdm

from bmx.gluon.nn.lowerings import fastest_lowering, lowering
from bmx.gluon.sources import build_model
from bmx.training import plot
from bmx.training.build_stage import build_stage, net_of_stage
from bmx.training.checkpoint import Checkpoint
from bmx.training.machines import Machines
from bmx.training.models import Builder, load_parameters, without_unused_warnings
from bmx.training.progress import Progress
from bmx.training.run_dir import RunDir
from bmx.training.schema import Config
from bmx.training.sources import Source, open_source
from bmx.training.stage_run import StageRun


def train(
    config: Config,
    output: str | Path,
    resume: bool = False,
    overwrite: bool = False,
    build: Builder = build_model,
    log: Callable[[str], None] = tqdm.write,
) -> dict[str, Any]:
    """Trains as described.

    The same description gives the same parameters on the same machine's CPU, bit by bit, also if the process
    is killed at any moment and the training resumed.

    Args:
        config: description of the training.
        output: folder of the results, see `RunDir`.
        resume: whether to resume the training in the folder, or to start it if there is none.
        overwrite: whether to delete the training in the folder.
        build: function from a net's name and arguments to the net.
        log: called with each line of the log.

    Returns:
        The content of result.json: ``accuracy`` (the best on held-out images in the last stage),
        ``best_epoch``, ``last_accuracy``, ``train_accuracy``, ``loss``, ``epochs``, ``updates``, ``seconds``.
        Empty on other machines than the main one, which writes it.

    Raises:
        ConfigError: something in the description is not known, or does not fit.
        OutputError: the folder holds another training.
        NonFiniteLossError: the loss became infinite or NaN.
    """
    machines = Machines.connect(config.training.kvstore)
    run_dir = RunDir(Path(output), config.checkpoints.keep, main=machines.rank == 0)
    if run_dir.main:
        run_dir.open(config, resume, overwrite)
    try:
        result = run_dir.result() if resume else None
        if result is not None:
            log(f"{output}: this training has ended, with accuracy {result['accuracy']:f}")
            return result
        with without_unused_warnings(), lowering(fastest_lowering()):
            logger = run_dir.logger(log)
            found = _newest(run_dir, logger) if resume else None
            progress = _run_stages(config, run_dir, found, build, logger, machines)
        return _finish(config, run_dir, progress) if run_dir.main else {}
    finally:
        run_dir.close()


def best_net(
    config: Config, output: str | Path, build: Builder = build_model
) -> tuple[gluon.HybridBlock, Source]:
    """The net of an ended training with the parameters that were best on held-out images, and its images."""
    number = len(config.all_stages) - 1
    source = open_source(config.of_stage(number).data, config.training.seed)
    net = net_of_stage(config, source, number, build)
    load_parameters(net, Path(output) / "best.params")
    return net, source


def _newest(run_dir: RunDir, log: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint, the log cut to its length; None if there is none."""
    found = run_dir.checkpoints.newest()
    if found is not None:
        run_dir.cut_log(found.log_bytes)
        place = found.progress
        log(f"resumed at epoch {place.epoch}, batch {place.batch} of stage {place.stage + 1}")
    return found


def _run_stages(
    config: Config,
    run_dir: RunDir,
    found: Checkpoint | None,
    build: Builder,
    log: Callable[[str], None],
    machines: Machines,
) -> Progress:
    progress = Progress() if found is None else found.progress
    stages = config.all_stages
    while True:
        number = progress.stage
        if len(stages) > 1:
            log(f"[Stage {number + 1}/{len(stages)}] {stages[number].name}")
        source = open_source(config.of_stage(number).data, config.training.seed)
        before = run_dir.stage_file(number - 1, stages[number - 1].name) if number else None
        assembly = build_stage(config, source, number, before, build, machines)
        run = StageRun(config, assembly, source, run_dir, progress, log)
        if found is not None:
            run.restore(found)
            found = None
        run.run()
        if number + 1 == len(stages):
            return progress
        machines.wait()  # until the main machine has written what the stage ended with
        progress.next_stage()


def _finish(config: Config, run_dir: RunDir, progress: Progress) -> dict[str, Any]:
    """Writes the files that say what a training reached."""
    last = progress.history[-1]
    result = {
        "accuracy": progress.best,
        "best_epoch": progress.best_epoch,
        "last_accuracy": last.accuracy,
        "train_accuracy": last.train_accuracy,
        "loss": last.loss,
        "epochs": len(progress.history),
        "updates": progress.all_updates,
        "seconds": sum(result.seconds for result in progress.history),
    }
    if plot.is_available():
        run_dir.write("training.svg", plot.curves_svg(progress.history, config.title or config.model.name))
    run_dir.write("result.json", json.dumps(result, indent=2) + "\n")
    return result
