"""Bits as bytes, in the order of docs/format.md: along the last axis, least significant bit first.

Integers of a few bits are bit planes, see `bmx.compiler.ir.planes`.
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.planes import Planes


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack an array of bool [..., n] into uint8 [..., ceil(n / 8)]; the unused high bits of a row are 0."""
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack(packed: np.ndarray, length: int) -> np.ndarray | None:
    """The inverse of `pack`: bool [..., length]; None if rows are of another length or unused bits not 0."""
    if packed.ndim == 0 or packed.shape[-1] != (length + 7) // 8:
        return None
    bits = np.unpackbits(packed, axis=-1, bitorder="little")
    return None if bits[..., length:].any() else bits[..., :length].astype(np.bool_)


def to_planes(integers: np.ndarray, planes: Planes) -> np.ndarray:
    """Integers [...] as planes of bool [bits, ...]."""
    # Odd numbers are n = 2 u - (2^m - 1), u being the number that the bits make.
    number = (integers.astype(np.int64) + planes.largest) // 2 if planes.signs else integers.astype(np.int64)
    return np.stack([(number >> i) & 1 for i in range(planes.bits)]).astype(np.bool_)


def from_planes(bits: np.ndarray, signs: bool) -> np.ndarray:
    """The inverse of `to_planes`: int16 [...]."""
    count = len(bits)
    weights = 2 ** np.arange(count)
    if not signs:
        weights[-1] = -weights[-1]
    digits = 2 * bits.astype(np.int64) - 1 if signs else bits.astype(np.int64)
    return np.tensordot(weights, digits, axes=1).astype(np.int16)
