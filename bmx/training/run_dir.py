"""The output folder of a training: its files, and whether a training may start in it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Callable

from mxnet import gluon

from bmx.files import write_atomically
from bmx.training import toml
from bmx.training.checkpoint import Checkpoints
from bmx.training.reading import ConfigError, differences
from bmx.training.schema import Config

# What may differ in a resumed run: it does not change the parameters that come out.
_FREE = ("checkpoints.keep", "title", "paper", "notes")


class OutputError(RuntimeError):
    """The folder holds another training; the message says what to do."""


class RunDir:
    """The output folder of a training.

    ``config.toml`` (with all defaults), ``log.txt``, ``checkpoints/``, ``events/``, ``stages/`` (parameters
    at the end of each stage), ``best.params``, ``last.params``, ``training.svg`` and, at the end,
    ``result.json``.

    Args:
        path: path of the folder.
        keep: number of checkpoints that stay, the newest.
        main: whether this machine writes; others only read.
    """

    def __init__(self, path: Path, keep: int = 2, main: bool = True) -> None:
        self.path = path
        self.main = main
        self.checkpoints = Checkpoints(path / "checkpoints", keep)
        self.events = path / "events"
        self.best, self.last = path / "best.params", path / "last.params"
        self._lock: Any = None

    def open(self, config: Config, resume: bool, overwrite: bool) -> None:
        """Begins a training, or resumes one.

        Raises:
            OutputError: the folder holds a training, and neither flag is given; or one that is running.
            ConfigError: the training to resume is described otherwise.
        """
        held = (self.path / "config.toml").exists()
        if held and not (resume or overwrite):
            state = "a finished training" if self.result() else "a training that did not end"
            raise OutputError(
                f"{self.path}: the folder holds {state}; give --resume to resume it, --overwrite to "
                "delete it, or another --output"
            )
        if held and resume:
            self._require_same(config)
        if not self.main:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        for left in self.path.rglob(".*.tmp"):  # from a run that was killed while it wrote
            left.unlink()
        if held and overwrite and not resume:
            self._clear()
        self.write("config.toml", toml.write(config.to_dict()))

    def close(self) -> None:
        """Lets another process work in the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def config(self) -> Config:
        """The description of the folder's training.

        Raises:
            OutputError: there is no training in the folder.
        """
        path = self.path / "config.toml"
        if not path.exists():
            raise OutputError(f"{self.path}: there is no training to resume; name a recipe or a config")
        return Config.from_dict(toml.read(path), str(path))

    def result(self) -> dict[str, Any] | None:
        """The results of the training; None until it has ended."""
        path = self.path / "result.json"
        return json.loads(path.read_text()) if path.exists() else None

    def stage_file(self, number: int, name: str) -> Path:
        """The file of the parameters at the end of a stage, counted from 0."""
        return self.path / "stages" / f"{number + 1}-{name}.params"

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file of the folder, whole or not at all."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(str(path), content.encode() if isinstance(content, str) else content)

    def save_parameters(self, net: gluon.Block, path: Path) -> None:
        """Writes a net's parameters, whole or not at all."""
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "net.params"
            net.save_parameters(str(file))
            self.write(str(path.relative_to(self.path)), file.read_bytes())

    def log_bytes(self) -> int:
        """Length of the log."""
        path = self.path / "log.txt"
        return path.stat().st_size if path.exists() else 0

    def cut_log(self, length: int) -> None:
        """Drops what a run wrote to the log after its last checkpoint."""
        path = self.path / "log.txt"
        if self.main and path.exists():
            os.truncate(path, min(length, path.stat().st_size))

    def logger(self, echo: Callable[[str], None]) -> Callable[[str], None]:
        """Writes lines to the log and to ``echo``; on machines other than the main one to neither."""

        def log(line: str) -> None:
            if self.main:
                with open(self.path / "log.txt", "a", encoding="utf-8") as file:
                    file.write(line + "\n")
                echo(line)

        return log

    def _require_same(self, config: Config) -> None:
        found, wanted = self.config().to_dict(), config.to_dict()
        names = [name for name in differences(found, wanted) if name not in _FREE]
        if names:
            raise ConfigError(
                f"{self.path}: the training in this folder has another {', '.join(names)}; give the same to"
                " resume it (or nothing but --output and --resume), or another --output"
            )

    def _take_lock(self) -> None:
        self._lock = open(self.path / ".lock", "w")  # noqa: SIM115  it stays open as long as the training
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise OutputError(
                f"{self.path}: another process is training in this folder; wait, or give another --output"
            ) from None

    def _clear(self) -> None:
        """Deletes what a training left, and nothing else."""
        for name in ("checkpoints", "events", "stages"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("result.json", "log.txt", "best.params", "last.params", "training.svg", "config.toml"):
            (self.path / name).unlink(missing_ok=True)
