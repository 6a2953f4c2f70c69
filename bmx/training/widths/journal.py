"""The log of a search: one line of JSON for each evaluation, on the disk before the search continues.

The first line holds the settings: {"search": 1, "settings": {...}}; the others evaluations:
{"ratios": [...], "accuracy": ..., "cost": ...}, and at the end the longer training's {"final": {...}}.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Callable, NamedTuple

from tqdm import tqdm

from bmx.training.widths.genome import Genome

FILE = "evaluations.jsonl"
_VERSION = 1  # also of the algorithm: another one would take another way through the same evaluations


class Result(NamedTuple):
    """The worth of a genome.

    Attributes:
        accuracy: accuracy on validation data, 0 to 1.
        cost: cost relative to the net whose ratios are all 1.
    """

    accuracy: float
    cost: float


class JournalError(RuntimeError):
    """The folder holds another search, a damaged log, or a search that is running."""


class Journal:
    """Evaluations of one search, kept in a folder so that a search that was stopped can resume.

    A context manager. A last line that is only half there, because the process was killed while writing it,
    is dropped with a note.

    Args:
        folder: folder of the log, made if it does not exist.
        settings: everything that the results depend on, as JSON values; a folder holds one search only.
        log: called with notes.

    Attributes:
        results: results by genome, in the order of the log.
        final: results of the longer training; None before `set_final`.

    Raises:
        JournalError: as the class says; the message says what to do.
    """

    def __init__(
        self, folder: str | Path, settings: dict[str, Any], log: Callable[[str], None] = tqdm.write
    ) -> None:
        self.path = Path(folder) / FILE
        self.results: dict[Genome, Result] = {}
        self.final: dict[str, Any] | None = None
        self._settings = json.loads(json.dumps(settings))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+b")  # noqa: SIM115  it stays open, and locked, as long as the journal
        try:
            self._lock()
            self._read(log)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        """The journal itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Closes the file; another process may resume the search then."""
        self._file.close()

    def add(self, genome: Genome, result: Result) -> None:
        """Writes an evaluation; it is on the disk when this returns."""
        self._append({"ratios": list(genome), **result._asdict()})
        self.results[genome] = result

    def set_final(self, final: dict[str, Any]) -> None:
        """Writes the results of the best genome's longer training, as JSON values."""
        self._append({"final": final})
        self.final = final

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(
                f"{self.path}: another process is searching in this folder; wait for it or give another one"
            ) from None

    def _read(self, log: Callable[[str], None]) -> None:
        self._file.seek(0)
        *lines, rest = self._file.read().split(b"\n")
        if rest:
            log(f"{self.path}: the last line is only half there (the search was killed); it is dropped")
            self._file.truncate(sum(len(line) + 1 for line in lines))
        if not lines:
            self._append({"search": _VERSION, "settings": self._settings})
            _sync_folder(self.path.parent)
            return
        records = [self._parse(number, line) for number, line in enumerate(lines, start=1)]
        self._check(records[0])
        for number, record in enumerate(records[1:], start=2):
            self._take(number, record)

    def _parse(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise self._damaged(number)
        return record

    def _check(self, header: dict[str, Any]) -> None:
        """Raises JournalError unless the header is that of this search."""
        found = header.get("settings")
        if header.get("search") != _VERSION or not isinstance(found, dict):
            raise JournalError(
                f"{self.path}: this is not the log of a search by this version of bmx; give another folder"
            )
        names = {*found, *self._settings}
        different = sorted(name for name in names if found.get(name) != self._settings.get(name))
        if different:
            values = ", ".join(
                f"{name} {json.dumps(found.get(name))} (now {json.dumps(self._settings.get(name))})"
                for name in different
            )
            raise JournalError(
                f"{self.path}: this folder holds a search with {values}; give the same settings to resume "
                "it, or another folder to start a new one"
            )

    def _take(self, number: int, record: dict[str, Any]) -> None:
        if set(record) == {"final"}:
            self.final = record["final"]
            return
        try:
            genome = tuple(float(ratio) for ratio in record["ratios"])
            self.results[genome] = Result(float(record["accuracy"]), float(record["cost"]))
        except (KeyError, TypeError, ValueError):
            raise self._damaged(number) from None

    def _damaged(self, number: int) -> JournalError:
        return JournalError(
            f"{self.path}: line {number} is not a line of a search's log; delete the file to start anew, "
            "or delete from this line on to keep the lines before it"
        )

    def _append(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _sync_folder(folder: Path) -> None:
    """Brings the file's name to the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
