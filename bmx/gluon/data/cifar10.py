"""CIFAR-10: 60,000 small photographs of ten classes (Krizhevsky 2009).

It lives in MXNet's folder, so `mxnet.gluon.data.vision.CIFAR10`, and with it GluonCV's scripts, find it too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from bmx.gluon.data.cifar10_pictures import RECORD, from_pictures
from bmx.gluon.data.dataset import Dataset, ImageArrays, Source
from bmx.gluon.data.errors import DatasetError
from bmx.gluon.data.sources import at_mxnet, from_tar, under
from bmx.gluon.data.storage import Checksum, mxnet_dataset_dir

_ADVICE = "run 'bmx data fetch cifar10'"
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # GluonCV's and BMXNet's
_ARCHIVE = "cifar-10-binary.tar.gz"

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
    """uint8 (count, 3073)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from None
    if not content or len(content) % RECORD:
        raise DatasetError(
            f"{path}: {len(content)} bytes; expected whole records of {RECORD} bytes; {_ADVICE}"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)


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
