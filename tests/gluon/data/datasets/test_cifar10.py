"""CIFAR-10: pictures of a package become the authors' binary files, and these become arrays."""

from __future__ import annotations

import json
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from bmx.gluon.data import DatasetError, get_dataset
from bmx.gluon.data.datasets.cifar10 import FILES, PACKAGE, from_pictures

COUNT = 4  # images in each file


def png_bytes(pixels: np.ndarray) -> bytes:
    """The PNG format, written independently of any library: uint8 (height, width, 3), no filter."""
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def make_images() -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """Images uint8 (COUNT, 32, 32, 3) and labels of each file."""
    rng = np.random.RandomState(4)
    images = {name: rng.randint(0, 256, (COUNT, 32, 32, 3)).astype(np.uint8) for name in FILES}
    return images, {name: rng.randint(0, 10, COUNT).tolist() for name in FILES}


def write_package(folder: Path, images: dict[str, np.ndarray], labels: dict[str, list[int]]) -> Path:
    package = folder / "package"
    package.mkdir()
    for name, pixels in images.items():
        (package / f"{Path(name).stem}.png").write_bytes(png_bytes(pixels.reshape(COUNT, 1024, 3)))
    train = [label for name in images if name.startswith("data") for label in labels[name]]
    (package / "train_lables.json").write_text(json.dumps(train))
    (package / "test_lables.json").write_text(json.dumps(labels["test_batch.bin"]))
    with tarfile.open(folder / "prepared", "w:gz") as archive:
        archive.add(package, "package")
    return folder / "prepared"


def test_from_pictures_to_arrays(tmp_path: Path, client) -> None:
    images, labels = make_images()
    archive = write_package(tmp_path, images, labels)
    client("npm", f'[ "$3" = {PACKAGE} ] && cp {archive} it.tgz')
    root = tmp_path / "root"
    root.mkdir()
    from_pictures(root, tuple(FILES), lambda line: None)
    record = (root / "data_batch_2.bin").read_bytes()[3073 : 2 * 3073]
    assert record[0] == labels["data_batch_2.bin"][1]
    planes = np.frombuffer(record[1:], np.uint8).reshape(3, 32, 32)
    np.testing.assert_array_equal(planes, images["data_batch_2.bin"][1].transpose(2, 0, 1))
    train, test = get_dataset("cifar10", True, root), get_dataset("cifar10", False, str(root))
    np.testing.assert_array_equal(train.images, np.concatenate([images[name] for name in FILES][:5]))
    np.testing.assert_array_equal(train.labels, np.concatenate([labels[name] for name in FILES][:5]))
    np.testing.assert_array_equal(test.images, images["test_batch.bin"])
    assert (train.images.dtype, train.labels.dtype) == (np.uint8, np.int64)
    assert (len(train.classes), len(train.mean), len(train.std)) == (10, 3, 3)


def test_files_and_place_are_those_of_mxnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mxnet.gluon.data import vision

    from bmx.gluon.data import find_dataset

    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    assert find_dataset("cifar10").folder() == tmp_path / "datasets" / "cifar10"
    monkeypatch.setattr(vision.CIFAR10, "_get_data", lambda self: None)
    stock = vision.CIFAR10(root=str(tmp_path / "x"))
    assert dict(stock._train_data + stock._test_data) == FILES


@pytest.mark.parametrize("content", [b"", b"x" * 3072])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(
        DatasetError, match=r"test_batch.bin: expected whole.*, found \d+ bytes; run .bmx data fetch cifar10"
    ):
        get_dataset("cifar10", False, tmp_path)
    with pytest.raises(DatasetError, match=r"data_batch_1.bin: cannot be read .*bmx data fetch cifar10"):
        get_dataset("cifar10", True, tmp_path)


def test_a_package_with_other_pictures(tmp_path: Path, client) -> None:
    images, labels = make_images()
    archive = write_package(tmp_path, images, {**labels, "test_batch.bin": [1, 2]})
    client("npm", f"cp {archive} it.tgz")
    with pytest.raises(DatasetError, match=r"expected shape .*, found shape \(4, 1024, 3\) and 2 labels"):
        from_pictures(tmp_path, ("test_batch.bin",), lambda line: None)


def test_a_data_set_of_another_name() -> None:
    with pytest.raises(
        ValueError, match="no data set 'cifar100'; expected one of cifar10, fashion-mnist, mnist, mnist-5k"
    ):
        get_dataset("cifar100", True)
