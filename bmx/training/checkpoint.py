"""Checkpoints: the whole state of a training in one file, written at once or not at all.

A checkpoint is a zip archive, not compressed: ``progress.json``, ``parameters.npz`` and ``average.npz``
(arrays by their places in the net), ``trainer.states`` (as ``Trainer.save_states`` writes it),
``random.pickle`` and ``config.toml``. Trainer and generator states are pickles: load checkpoints only of
trainings that you trust.
"""

from __future__ import annotations

import io
import json
import pickle
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.files import write_atomically
from bmx.training import toml
from bmx.training.ema import WeightAverage
from bmx.training.progress import Progress
from bmx.training.schema import Config
from bmx.training.seeds import random_state, set_random_state

SUFFIX = ".checkpoint"


class CheckpointError(RuntimeError):
    """A checkpoint is damaged or belongs to another training; the message says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training.

    Attributes:
        progress: place of the training.
        parameters: arrays by their places in the net.
        trainer: states of the optimizers.
        average: average of the weights; None without one.
        average_updates: number of updates that were averaged so far.
        random: states of the generators of Python and NumPy.
        log_bytes: length of the log.
        config: text of the description.
    """

    progress: Progress
    parameters: dict[str, np.ndarray]
    trainer: bytes
    average: dict[str, np.ndarray] | None
    average_updates: int
    random: Any
    log_bytes: int
    config: str

    def to_bytes(self) -> bytes:
        """The file's content."""
        head = {
            "progress": self.progress.to_dict(),
            "average_updates": self.average_updates,
            "log_bytes": self.log_bytes,
        }
        parts = {
            "progress.json": json.dumps(head).encode(),
            "config.toml": self.config.encode(),
            "parameters.npz": _npz(self.parameters),
            "trainer.states": self.trainer,
            "random.pickle": pickle.dumps(self.random),
        }
        if self.average is not None:
            parts["average.npz"] = _npz(self.average)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, part in parts.items():
                archive.writestr(zipfile.ZipInfo(name), part)
        return content.getvalue()

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Reads a file.

        Raises:
            CheckpointError: the file is no checkpoint, or damaged.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                head = json.loads(archive.read("progress.json"))
                has_average = "average.npz" in archive.namelist()
                return cls(
                    progress=Progress.from_dict(head["progress"]),
                    parameters=_arrays(archive.read("parameters.npz")),
                    trainer=archive.read("trainer.states"),
                    average=_arrays(archive.read("average.npz")) if has_average else None,
                    average_updates=head["average_updates"],
                    random=pickle.loads(archive.read("random.pickle")),
                    log_bytes=head["log_bytes"],
                    config=archive.read("config.toml").decode(),
                )
        except (
            OSError,
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            TypeError,
            pickle.UnpicklingError,
        ) as error:
            raise CheckpointError(
                f"{path}: no whole checkpoint ({error}); delete it to resume from the one before"
            ) from None


def take(
    progress: Progress,
    net: gluon.Block,
    trainer: gluon.Trainer,
    average: WeightAverage | None,
    log_bytes: int,
    config: Config,
) -> Checkpoint:
    """The state of a training between two updates; ``trainer`` is None where servers have its states."""
    return Checkpoint(
        progress=progress,
        parameters={name: p.data().asnumpy() for name, p in net._collect_params_with_prefix().items()},
        trainer=b"" if trainer is None else _save_states(trainer),
        average=None if average is None else average.state(),
        average_updates=0 if average is None else average.updates,
        random=random_state(),
        log_bytes=log_bytes,
        config=toml.write(config.to_dict()),
    )


def restore(
    found: Checkpoint, net: gluon.Block, trainer: gluon.Trainer, average: WeightAverage | None
) -> None:
    """Puts a state into a net and a trainer like those from which it was taken.

    Raises:
        CheckpointError: the net is another one.
    """
    params = net._collect_params_with_prefix()
    wrong = sorted(set(params) ^ set(found.parameters)) or sorted(
        name for name, p in params.items() if p.data().shape != found.parameters[name].shape
    )
    if wrong:
        raise CheckpointError(
            f"the checkpoint is one of another net: parameter {wrong[0]!r} does not fit; give the net with "
            "which the training was started, or another output folder"
        )
    for name, parameter in params.items():
        parameter.set_data(mx.nd.array(found.parameters[name], dtype=found.parameters[name].dtype))
    if trainer is not None:
        _load_states(trainer, found.trainer)
    if average is not None and found.average is not None:
        average.set_state(found.average, found.average_updates)
    set_random_state(found.random)


class Checkpoints:
    """The checkpoints of a training, in a folder of their own.

    Args:
        folder: folder of the files, made at the first write.
        keep: number of checkpoints that stay, the newest.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep

    def paths(self) -> list[Path]:
        """All files, oldest first."""
        return sorted(self._folder.glob(f"*{SUFFIX}"))

    def write(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint, then deletes those that are too old."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = checkpoint.progress
        name = f"{place.stage:02d}-{place.epoch:05d}-{place.batch:07d}{SUFFIX}"
        write_atomically(str(self._folder / name), checkpoint.to_bytes())
        for path in self.paths()[: -self._keep]:
            path.unlink()

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none.

        Raises:
            CheckpointError: the newest file is damaged.
        """
        paths = self.paths()
        return Checkpoint.read(paths[-1]) if paths else None


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _save_states(trainer: gluon.Trainer) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states"
        trainer.save_states(str(path))
        return path.read_bytes()


def _load_states(trainer: gluon.Trainer, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states"
        path.write_bytes(content)
        trainer.load_states(str(path))
