"""Weights of real layers that are integers of a few bits, perhaps times a number per filter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmx.compiler.ir.planes import planes_of

# Filters with fewer weights may be of one magnitude by chance.
_LEAST_TERMS = 8


class SmallWeight(NamedTuple):
    """weight = integers * scale of the filter.

    Attributes:
        integers: int16, as the weight.
        scale: float32 [filters].
    """

    integers: np.ndarray
    scale: np.ndarray

    @property
    def is_binary(self) -> bool:
        """Whether all integers are +-1."""
        return bool(np.all(np.abs(self.integers) == 1))


def binary_weight(weight: np.ndarray) -> SmallWeight | None:
    """Signs and one magnitude per filter; None unless filters have one and both signs occur."""
    magnitudes = np.abs(weight).reshape(len(weight), -1)
    scale = magnitudes[:, 0]
    both = bool((weight > 0).any() and (weight < 0).any())
    if magnitudes.shape[1] < _LEAST_TERMS or not both or not np.all(magnitudes == scale[:, np.newaxis]):
        return None
    return SmallWeight(np.sign(weight).astype(np.int16), scale) if np.all(scale > 0) else None


def small_weight(weight: np.ndarray) -> SmallWeight | None:
    """Signs as `binary_weight` finds them, or integers of at most 8 bits."""
    if not np.all(np.abs(weight) < 2**15) or not np.array_equal(weight, np.rint(weight)):
        return binary_weight(weight)
    integers = weight.astype(np.int16)
    found = SmallWeight(integers, np.ones(len(weight), dtype=np.float32)) if planes_of(integers) else None
    return binary_weight(weight) or found
