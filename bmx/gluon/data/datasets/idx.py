"""The idx files of MNIST and its relatives: images and labels, of a training and a test split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmx.gluon.data.dataset import DatasetError

_UBYTE = 0x08
PREFIXES = {True: "train", False: "t10k"}


def read_idx(path: Path, rank: int, advice: str) -> np.ndarray:
    """Reads an idx file of unsigned bytes.

    The format: two zero bytes, the element type (8: unsigned byte), the rank, each dimension as a
    big-endian 32-bit number, then the elements in row-major order.

    Args:
        path: path of the file.
        rank: number of dimensions that it must have.
        advice: what the user can do if the file is damaged; ends each error message.

    Returns:
        uint8 array of the shape that the header gives.

    Raises:
        DatasetError: the file is missing, of another type or rank, or not as long as its header says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {advice}") from None
    header = 4 + 4 * rank
    if content[:4] != bytes([0, 0, _UBYTE, rank]) or len(content) < header:
        raise DatasetError(f"{path}: expected an idx file of unsigned bytes with rank {rank}; {advice}")
    shape = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=rank, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DatasetError(
            f"{path}: expected {expected} bytes, as its header says, found {len(content)}; {advice}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def read_split(root: Path, train: bool, advice: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (count, height, width) and labels int64 (count,).

    Raises:
        DatasetError: a file is missing or is not what its header says; the message ends with `advice`.
    """
    prefix = PREFIXES[train]
    images = read_idx(root / f"{prefix}-images-idx3-ubyte", 3, advice)
    labels = read_idx(root / f"{prefix}-labels-idx1-ubyte", 1, advice)
    if len(images) != len(labels):
        raise DatasetError(
            f"{root}: expected one label per image in the files {prefix}-*, found {len(images)} images and "
            f"{len(labels)} labels; {advice}"
        )
    return images, labels.astype(np.int64)
