"""A described training from its first stage to its last, in an output folder that it can be gone on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from mxnet import gluon
from tqdm import tqdm

from bmx.gluon.nn.lowerings import fastest_lowering, lowering
from bmx.training import plot
from bmx.training.config import Config
from bmx.training.machines import create_store
from bmx.training.models import Builder, build_model, load_parameters, without_unused_warnings
from bmx.training.progress import Progress
from bmx.training.run_dir import RunDir
from bmx.training.sources import Source, open_source
from bmx.training.stages import StageRun, net_of_stage


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
    is killed at any moment and the training gone on with.

    Args:
        config: the description.
        output: folder for all that comes out, see `RunDir`.
        resume: go on with the training in the folder; start it, if there is none.
        overwrite: delete the training in the folder.
        build: makes a net from name and arguments.
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
    store = create_store(config.training.kvstore)
    part = (0, 1) if store is None else (store.rank, store.num_workers)
    run_dir = RunDir(Path(output), config.checkpoints.keep, main=part[0] == 0)
    if run_dir.main:
        run_dir.open(config, resume, overwrite)
    try:
        result = run_dir.result() if resume else None
        if result is not None:
            log(f"{output}: this training has ended, with accuracy {result['accuracy']:f}")
            return result
        with without_unused_warnings(), lowering(fastest_lowering()):
            progress = _run_stages(config, run_dir, resume, build, run_dir.logger(log), store, part)
        return _finish(config, run_dir, progress) if run_dir.main else {}
    finally:
        run_dir.close()


def best_net(
    config: Config, output: str | Path, build: Builder = build_model
) -> tuple[gluon.HybridBlock, Source]:
    """The net of an ended training with the parameters that were best on held-out images, and its images."""
    number = len(config.all_stages) - 1
    source = open_source(config.of_stage(number).data, config.training.seed)
    net = net_of_stage(config, number, source, build)
    load_parameters(net, Path(output) / "best.params")
    return net, source


def _run_stages(
    config: Config,
    run_dir: RunDir,
    resume: bool,
    build: Builder,
    log: Callable[[str], None],
    store: Any,
    part: tuple[int, int],
) -> Progress:
    progress = Progress()
    found = run_dir.checkpoints.newest() if resume else None
    if found is not None:
        progress = found.progress
        run_dir.cut_log(found.log_bytes)
        place = f"epoch {progress.epoch}, batch {progress.batch} of stage {progress.stage + 1}"
        log(f"resumed at {place}")
    stages = config.all_stages
    while True:
        number = progress.stage
        if len(stages) > 1:
            log(f"[Stage {number + 1}/{len(stages)}] {stages[number].name}")
        source = open_source(config.of_stage(number).data, config.training.seed)
        run = StageRun(config, number, source, run_dir, progress, build, log, store, part)
        if found is not None:
            run.restore(found)
            found = None
        run.run()
        if number + 1 == len(stages):
            return progress
        if store is not None:
            store._barrier()  # the main machine has written what the stage ended with
        progress.next_stage()


def _finish(config: Config, run_dir: RunDir, progress: Progress) -> dict[str, Any]:
    """The files that say what a training reached."""
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
