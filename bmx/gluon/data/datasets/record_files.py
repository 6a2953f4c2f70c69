"""An image folder as RecordIO files, which `mx.io.ImageRecordIter` and GluonCV's `--use-rec` read.

Encoding and the list's format are those of MXNet's own im2rec, which comes with its wheel. Its loop is not
used: it drops images that it cannot read, and leaves half a file behind when it is interrupted.
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

_SEED = 100  # im2rec's
_CHUNK = 16  # images that a process takes at once


class Encoding(NamedTuple):
    """How an image is stored.

    Attributes:
        resize: length of the shorter side, pixels; 0: as it is.
        quality: of the JPEG encoding, 1 to 100.
        keep: store the file's own bytes; `resize` and `quality` mean nothing then.
    """

    resize: int = 0
    quality: int = 95
    keep: bool = False


class Written(NamedTuple):
    """What `write_records` wrote.

    Attributes:
        images: number.
        classes: number.
        broken: paths of images that were left out.
    """

    images: int
    classes: int
    broken: tuple[str, ...]


def write_records(
    root: Path,
    prefix: Path,
    encoding: Encoding = Encoding(),  # noqa: B008  immutable
    processes: int = 1,
    classes: Sequence[str] | None = None,
    shuffle: bool = True,
    skip_broken: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, total: items,
) -> Written:
    """Writes PREFIX.rec, .idx, .lst and .classes.txt; all of them, or none.

    Args:
        root: holds a folder for each class.
        prefix: of the files.
        encoding: of each image.
        processes: that encode; the files do not depend on their number.
        classes: names of the folders by label, where another file's labels must be kept; sorted by default.
        shuffle: store the images in a random order, always the same one.
        skip_broken: leave out images that cannot be read.
        progress: wraps the images as they are written, for a progress bar.

    Raises:
        DatasetError: if there are no images, or one cannot be read.
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
    """Numbers of the images that were written, and paths of those that were not."""
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
                    f"{root / path}: not an image that can be read; remove it or skip broken ones"
                )
    if not good:
        raise DatasetError(f"{root}: none of its {len(broken)} images can be read")
    return good, tuple(broken)


@contextlib.contextmanager
def _encoded(
    items: Sequence[Any], root: Path, encoding: Encoding, processes: int
) -> Iterator[Iterator[tuple[Any, bytes | None]]]:
    """Each item with its record, in order; None where the image cannot be read."""
    tasks = ((item, str(root), encoding) for item in items)
    if processes == 1:
        yield map(_encode, tasks)
        return
    _im2rec()  # before the processes fork
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield pool.imap(_encode, tasks, chunksize=_CHUNK)


def _encode(task: tuple[Any, str, Encoding]) -> tuple[Any, bytes | None]:
    """One image by im2rec's own function, which answers through a queue and prints what went wrong."""
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
    """The queue that im2rec wants."""

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
    cv2.setNumThreads(0)  # its threads do not live on in forked processes
    return im2rec
