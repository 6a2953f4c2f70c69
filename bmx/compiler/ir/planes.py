"""Integers of a few bits, and how many bit planes hold them.

With *signs* each plane is -1 or +1 and counts 2^i, which makes the odd numbers from -(2^m - 1) to 2^m - 1;
without, m planes are a two's complement. `bmx.compiler.backend.packing` stores them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAX_PLANES = 8


class Planes(NamedTuple):
    """Number of bit planes, and whether each is of signs."""

    bits: int
    signs: bool

    @property
    def largest(self) -> int:
        """The largest magnitude that so many planes hold."""
        return int(2**self.bits - 1 if self.signs else 2 ** (self.bits - 1))


def planes_of(integers: np.ndarray) -> Planes | None:
    """The fewest planes that hold all of these integers; None if 8 do not."""
    low, high = int(integers.min()), int(integers.max())
    if np.all(integers & 1):
        bits = max(abs(low), abs(high)).bit_length()
        return Planes(bits, True) if bits <= MAX_PLANES else None
    bits = max((-low - 1).bit_length() if low < 0 else 0, high.bit_length() if high > 0 else 0) + 1
    return Planes(max(bits, 2), False) if bits <= MAX_PLANES else None
