"""What every data set has: files with checksums, sources to fetch them from, arrays when it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np


class DatasetError(RuntimeError):
    """A data set's files are missing or damaged, or cannot be fetched; the message says what to do."""


class Checksum(NamedTuple):
    """What a file's content must hash to.

    Attributes:
        algorithm: name for `hashlib`: `"sha256"`, or `"sha1"` where the publisher gives nothing better.
        digest: in lower-case hexadecimal.
    """

    algorithm: str
    digest: str

    def matches(self, path: Path) -> bool:
        """True if the file exists and has this digest."""
        return path.is_file() and digest_of(path, self.algorithm) == self.digest


def digest_of(path: Path, algorithm: str) -> str:
    """A file's digest, in lower-case hexadecimal."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class ImageArrays(NamedTuple):
    """A split of a data set.

    Attributes:
        images: uint8 (count, height, width, channels).
        labels: int64 (count,), 0 to len(classes) - 1.
        classes: their names.
        mean: of each channel over the training split, pixels divided by 255.
        std: standard deviation, likewise.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


Log = Callable[[str], None]


class Source(NamedTuple):
    """Where files can be fetched.

    Attributes:
        name: what the user is told.
        bring: called with a folder, the names of the wanted files and a log; puts these files, and maybe
            others, into the folder. What an earlier call left there may be used. Raises DatasetError or
            OSError.
    """

    name: str
    bring: Callable[[Path, tuple[str, ...], Log], None]


class Dataset(NamedTuple):
    """One data set; each has a file of its own in `bmx/gluon/data/datasets/`.

    Attributes:
        name: on the command line.
        title: as its authors call it.
        files: name of each file in its folder, and what it must hash to.
        folder: called without arguments: where it lives.
        read: called with the folder, and True for the training split; raises DatasetError.
        sources: the first choice first.
    """

    name: str
    title: str
    files: dict[str, Checksum]
    folder: Callable[[], Path]
    read: Callable[[Path, bool], ImageArrays]
    sources: tuple[Source, ...]
