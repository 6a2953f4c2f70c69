"""What every data set has: files with checksums, sources to fetch them from, arrays once it is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np


class DatasetError(RuntimeError):
    """Files of a data set are missing or damaged, or cannot be fetched; the message says what to do."""


class Checksum(NamedTuple):
    """Hash of the content that a file must have.

    Attributes:
        algorithm: name in `hashlib`: `"sha256"`, or `"sha1"` where the publisher gives nothing better.
        digest: lower-case hexadecimal digits.
    """

    algorithm: str
    digest: str

    def matches(self, path: Path) -> bool:
        """Whether the file exists and has this digest."""
        return path.is_file() and digest_of(path, self.algorithm) == self.digest


def digest_of(path: Path, algorithm: str) -> str:
    """Digest of a file, in lower-case hexadecimal."""
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
        classes: names of the classes, by label.
        mean: mean of pixels / 255 in each channel, over the training split.
        std: standard deviation of pixels / 255 in each channel, over the training split.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


Log = Callable[[str], None]


class Source(NamedTuple):
    """A place that files can be fetched from.

    Attributes:
        name: name in messages.
        bring: called with a folder, the names of the wanted files and a log; puts these files, and possibly
            others, into the folder. May use what an earlier call left there. Raises DatasetError or OSError.
    """

    name: str
    bring: Callable[[Path, tuple[str, ...], Log], None]


class Dataset(NamedTuple):
    """One data set; each is a file in `bmx/gluon/data/datasets/`.

    Attributes:
        name: name on the command line.
        title: name that its authors gave it.
        files: name and checksum of each file in its folder.
        folder: returns the folder of its files.
        read: reads a split; called with the folder, and True for the training split; raises DatasetError.
        sources: places to fetch it from, the preferred one first.
    """

    name: str
    title: str
    files: dict[str, Checksum]
    folder: Callable[[], Path]
    read: Callable[[Path, bool], ImageArrays]
    sources: tuple[Source, ...]
