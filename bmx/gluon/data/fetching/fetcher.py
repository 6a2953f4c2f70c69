"""Fetches data sets, and checks what is there.

Files arrive in the folder `.downloads` next to their final place. Only those with the right checksum leave
it, by an atomic rename, and files that are already right are not fetched again, so a later call completes an
interrupted fetch.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, NamedTuple

from bmx.gluon.data.dataset import Dataset, DatasetError, Log, Source
from bmx.gluon.data.fetching.storage import damaged_files

_DOWNLOADS = ".downloads"


class Status(NamedTuple):
    """What is there of a data set.

    Attributes:
        root: folder of the data set.
        missing: names of files that are not there.
        damaged: names of files with another checksum.
        total: number of files that it should have.
    """

    root: Path
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    total: int

    @property
    def word(self) -> str:
        """`"complete"`, `"not here"`, `"incomplete"` or `"damaged"`."""
        if self.damaged:
            return "damaged"
        if not self.missing:
            return "complete"
        return "not here" if len(self.missing) == self.total else "incomplete"


def check(dataset: Dataset, root: Path | None = None) -> Status:
    """Compares all files of a data set with their checksums."""
    root = root or dataset.folder()
    wrong = damaged_files(root, dataset.files)
    missing = tuple(name for name in wrong if not (root / name).is_file())
    damaged = tuple(name for name in wrong if name not in missing)
    return Status(root, missing, damaged, len(dataset.files))


def fetch(dataset: Dataset, root: Path | None = None, log: Log = print) -> Path:
    """Makes sure that a data set is complete.

    Args:
        dataset: description of the data set.
        root: folder of its files; the usual place by default.
        log: called with one line per step.

    Returns:
        The folder.

    Raises:
        DatasetError: no source has the right files; the message says what each one answered.
    """
    root = root or dataset.folder()
    if not damaged_files(root, dataset.files):
        log(f"{root}: complete")
        return root
    downloads = root / _DOWNLOADS
    downloads.mkdir(parents=True, exist_ok=True)
    with _alone(downloads, log):
        _fetch_from_any(dataset, root, downloads, log)
        shutil.rmtree(downloads, ignore_errors=True)  # a process that waited finds it gone
    log(f"{root}: complete")
    return root


def _fetch_from_any(dataset: Dataset, root: Path, downloads: Path, log: Log) -> None:
    """Tries one source after another."""
    wanted = damaged_files(root, dataset.files)
    failures = []
    for source in dataset.sources if wanted else ():
        log(f"fetching {len(wanted)} files of {dataset.title} from {source.name}")
        try:
            return _fetch_from(source, dataset, wanted, root, downloads, log)
        except (DatasetError, OSError, subprocess.SubprocessError) as error:
            failures.append(f"{source.name}: {_first_line(error)}")
            log(failures[-1])
    if wanted:
        raise DatasetError(
            f"{dataset.title} could not be fetched ({'; '.join(failures)}); check the network, or put "
            f"the files {', '.join(wanted)} into {root}"
        )


def _fetch_from(
    source: Source, dataset: Dataset, wanted: tuple[str, ...], root: Path, downloads: Path, log: Log
) -> None:
    """Fetches files, checks all of them, then moves them into place."""
    source.bring(downloads, wanted, log)
    wrong = damaged_files(downloads, {name: dataset.files[name] for name in wanted})
    if wrong:
        for path in downloads.iterdir():  # what they were made from is wrong too
            if path.is_file():
                path.unlink()
        raise DatasetError(f"the checksum of {', '.join(wrong)} is not the expected one")
    for name in wanted:
        os.replace(downloads / name, root / name)


@contextlib.contextmanager
def _alone(downloads: Path, log: Log) -> Iterator[None]:
    """Lets one process at a time fetch; the lock ends with the process that holds it."""
    handle = os.open(downloads, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"{downloads}: waiting for another process that fetches into it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
