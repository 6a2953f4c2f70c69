"""Bits as bytes, in the order of docs/format.md: along the last axis, least significant bit first."""

from __future__ import annotations

import numpy as np


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack an array of bool [..., n] into uint8 [..., ceil(n / 8)]; the unused high bits of a row are 0."""
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack(packed: np.ndarray, length: int) -> np.ndarray | None:
    """The inverse of `pack`: bool [..., length]; None if rows are of another length or unused bits not 0."""
    if packed.ndim == 0 or packed.shape[-1] != (length + 7) // 8:
        return None
    bits = np.unpackbits(packed, axis=-1, bitorder="little")
    return None if bits[..., length:].any() else bits[..., :length].astype(np.bool_)
