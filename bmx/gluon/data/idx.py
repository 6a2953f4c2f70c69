"""idx files, in which MNIST and its relatives come."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmx.gluon.data.errors import DatasetError

_UBYTE = 0x08


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
