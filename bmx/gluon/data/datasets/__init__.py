"""The data sets by name. Each is a file in this folder and is found because it is here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bmx.discovery import import_modules
from bmx.gluon.data.dataset import Dataset, ImageArrays


def find_all() -> dict[str, Dataset]:
    """The data sets in the modules of this folder, by name."""
    modules = import_modules(sys.modules[__name__])
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Dataset)]
    return {dataset.name: dataset for dataset in found}


DATASETS = find_all()


def find_dataset(name: str) -> Dataset:
    """The data set of this name; a ValueError lists all names."""
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; expected one of {', '.join(DATASETS)}")
    return DATASETS[name]


def get_dataset(name: str, train: bool, root: str | os.PathLike[str] | None = None) -> ImageArrays:
    """Reads a split of a data set into memory.

    Args:
        name: a name of `DATASETS`: `"mnist"`, `"cifar10"` ...; `"mnist-5k"` needs no fetch.
        train: True for the images to learn from, False for the held-out ones.
        root: folder of its files; by default where `bmx data fetch` puts them.

    Returns:
        Images uint8 (count, height, width, channels), labels, names of the classes, mean and deviation.

    Raises:
        ValueError: there is no such data set.
        DatasetError: its files are missing or damaged; the message says what to do.
    """
    dataset = find_dataset(name)
    return dataset.read(Path(root) if root else dataset.folder(), train)
