"""idx files, in which MNIST and its relatives come: images and labels of a training and a test split."""

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
        path: the file.
        rank: the number of dimensions that is expected.
        advice: what the user can do if it is damaged; the end of each error message.

    Returns:
        uint8 array of the shape that the header gives.

    Raises:
        DatasetError: if the file is missing, of another type or rank, or not as long as its header says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); {advice}") from None
    header = 4 + 4 * rank
    if content[:4] != bytes([0, 0, _UBYTE, rank]) or len(content) < header:
        raise DatasetError(f"{path}: not an idx file of unsigned bytes with rank {rank}; {advice}")
    shape = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=rank, offset=4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DatasetError(f"{path}: {len(content)} bytes, but its header promises {expected}; {advice}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


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
