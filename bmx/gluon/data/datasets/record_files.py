"""An image folder as RecordIO files, which `mx.io.ImageRecordIter` and GluonCV's `--use-rec` read.

MXNet's own im2rec, which comes with its wheel, encodes and lists the images. Its loop is not used, because it
drops images that it cannot read, and leaves half a file behind when it is interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import multiprocessing.pool
import random
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence

import mxnet as mx

from bmx.gluon.data.dataset import DatasetError
from bmx.gluon.data.datasets.image_folder import ImageFolder, save_classes
from bmx.gluon.data.fetching.storage import written_whole

_SEED = 100  # that of im2rec
_CHUNK = 16  # images that a process takes at a time


class Encoding(NamedTuple):
    """How an image is stored.

    Attributes:
        resize: length of the shorter side, pixels; 0 keeps the size.
        quality: JPEG quality, 1 to 100.
        keep: store the bytes of the file; `resize` and `quality` are ignored.
    """

    resize: int = 0
    quality: int = 95
    keep: bool = False


class Written(NamedTuple):
    """What `write_records` wrote.

    Attributes:
        images: number of images.
        classes: number of classes.
        broken: paths of the images that were left out.
    """

    images: int
    classes: int
    broken: tuple[str, ...]


def write_records(
    root: Path,
    prefix: Path,
    encoding: Encoding = Encoding(),
    processes: int = 1,
    classes: Sequence[str] | None = None,
    shuffle: bool = True,
    skip_broken: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, total: items,
) -> Written:
    """Writes PREFIX.rec, .idx, .lst and .classes.txt: all of them, or none.

    Args:
        root: folder with one folder per class.
        prefix: path of the files without their suffixes.
        encoding: how images are stored.
        processes: number of processes that encode; the files do not depend on it.
        classes: names of the folders by label, where another file determines the labels; sorted by default.
        shuffle: store the images in a random order, which is always the same.
        skip_broken: leave out images that cannot be read.
        progress: wraps the images while they are written, for a progress bar.

    Raises:
        DatasetError: there are no images, or one cannot be read.
    """
    folder = ImageFolder(root, classes)
    items = [(str(Path(path).relative_to(root)), label) for path, label in folder.items]
    if shuffle:
        random.Random(_SEED).shuffle(items)
    numbered = [(number, path, label) for number, (path, label) in enumerate(items)]
    prefix.parent.mkdir(parents=True, exist_ok=True)
    outputs = [
        prefix.with_name(f"{prefix.name}{suffix}") for suffix in (".idx", ".lst", ".classes.txt", ".rec")
    ]
    with written_whole(*outputs) as (idx, lst, names, rec):
        with _encoded(numbered, root, encoding, processes) as records:
            good, broken = _write(progress(records, len(numbered)), idx, rec, root, skip_broken)
        _im2rec().write_list(str(lst), [numbered[number] for number in good])
        save_classes(folder.classes, names)
    return Written(len(good), len(folder.classes), broken)


def _write(
    records: Iterable[tuple[Any, bytes | None]], idx: Path, rec: Path, root: Path, skip_broken: bool
) -> tuple[list[int], tuple[str, ...]]:
    """Writes records; returns the numbers of the written images and the paths of the broken ones."""
    good, broken = [], []
    with contextlib.closing(mx.recordio.MXIndexedRecordIO(str(idx), str(rec), "w")) as file:
        for (number, path, _), content in records:
            if content is not None:
                file.write_idx(number, content)
                good.append(number)
            elif skip_broken:
                broken.append(path)
            else:
                raise DatasetError(
                    f"{root / path}: expected an image, found a file that cannot be read; remove it or skip "
                    "broken ones"
                )
    if not good:
        raise DatasetError(f"{root}: expected images, found {len(broken)} files, none of which can be read")
    return good, tuple(broken)


@contextlib.contextmanager
def _encoded(
    items: Sequence[Any], root: Path, encoding: Encoding, processes: int
) -> Iterator[Iterator[tuple[Any, bytes | None]]]:
    """Yields each item with its record, in order; None where the image cannot be read."""
    tasks = ((item, str(root), encoding) for item in items)
    if processes == 1:
        yield map(_encode, tasks)
        return
    _im2rec()  # imported before the processes fork
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield pool.imap(_encode, tasks, chunksize=_CHUNK)


def _encode(task: tuple[Any, str, Encoding]) -> tuple[Any, bytes | None]:
    """Encodes one image with im2rec's own function, which answers through a queue and prints failures."""
    item, root, encoding = task
    arguments = argparse.Namespace(
        root=root,
        resize=encoding.resize,
        quality=encoding.quality,
        pass_through=encoding.keep,
        pack_label=False,
        center_crop=False,
        color=1,
        encoding=".jpg",
    )
    answers = _Answers()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _im2rec().image_encode(arguments, 0, item, answers)
    return item, answers.content


class _Answers:
    """Stands in for the queue that im2rec answers through."""

    content: bytes | None = None

    def put(self, answer: tuple[int, bytes | None, Any]) -> None:
        self.content = answer[1]


def _im2rec() -> ModuleType:
    try:
        import cv2
        from mxnet.tools import im2rec
    except ImportError as error:
        raise DatasetError(
            f"MXNet's im2rec cannot be used ({error}); it needs OpenCV: pip install opencv-python-headless"
        ) from None
    cv2.setNumThreads(0)  # its threads do not survive a fork
    return im2rec
