"""Bits as bytes, in the order of docs/format.md: along the last axis, least significant bit first.

Integers of a few bits are bit planes. With *signs* each plane is -1 or +1 and counts 2^i, which makes the odd
numbers from -(2^m - 1) to 2^m - 1; without, m planes are a two's complement.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAX_PLANES = 8


class Planes(NamedTuple):
    """How integers are stored."""

    bits: int
    signs: bool

    @property
    def largest(self) -> int:
        """The largest magnitude that so many planes hold."""
        return int(2**self.bits - 1 if self.signs else 2 ** (self.bits - 1))


def pack(bits: np.ndarray) -> np.ndarray:
    """Pack an array of bool [..., n] into uint8 [..., ceil(n / 8)]; the unused high bits of a row are 0."""
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack(packed: np.ndarray, length: int) -> np.ndarray | None:
    """The inverse of `pack`: bool [..., length]; None if rows are of another length or unused bits not 0."""
    if packed.ndim == 0 or packed.shape[-1] != (length + 7) // 8:
        return None
    bits = np.unpackbits(packed, axis=-1, bitorder="little")
    return None if bits[..., length:].any() else bits[..., :length].astype(np.bool_)


def planes_of(integers: np.ndarray) -> Planes | None:
    """The fewest planes that hold all of these integers; None if 8 do not."""
    low, high = int(integers.min()), int(integers.max())
    if np.all(integers & 1):
        bits = max(abs(low), abs(high)).bit_length()
        return Planes(bits, True) if bits <= MAX_PLANES else None
    bits = max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1
    return Planes(max(bits, 2), False) if bits <= MAX_PLANES else None


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
