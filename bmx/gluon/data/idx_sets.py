"""Data sets of four idx files: images and labels of 60,000 and 10,000 pictures of 28 x 28 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmx.gluon.data.errors import DatasetError
from bmx.gluon.data.idx import read_idx

PREFIXES = {True: "train", False: "t10k"}


def read_split(root: Path, train: bool, advice: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (count, height, width) and labels int64 (count,).

    Raises:
        DatasetError: if a file is missing or is not what its header says; the message ends with `advice`.
    """
    prefix = PREFIXES[train]
    images = read_idx(root / f"{prefix}-images-idx3-ubyte", 3, advice)
    labels = read_idx(root / f"{prefix}-labels-idx1-ubyte", 1, advice)
    if len(images) != len(labels):
        raise DatasetError(
            f"{root}: {len(images)} images but {len(labels)} labels in the files {prefix}-*; {advice}"
        )
    return images, labels.astype(np.int64)
