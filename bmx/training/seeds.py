"""Random numbers of a training: one call that fixes them all, and seeds that follow from the place."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and MXNet, so that a run on CPU can be repeated bit by bit.

    MXNet's initializers draw from NumPy or MXNet, so call this before a net is initialized.
    """
    random.seed(seed)
    np.random.seed(seed)
    mx.random.seed(seed)


def seed_of(*parts: Any) -> int:
    """A seed, 0 to 2^31 - 1, that depends on all parts: for example the run's seed, an epoch and a step."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


@dataclass(frozen=True)
class Seeds:
    """Seeds that follow from the place of a training.

    The state of MXNet's generator cannot be stored, only made again.

    Attributes:
        seed: seed of the training; None leaves the generator alone.
        every: updates from one seeding to the next within an epoch; 0 for the start of epochs only.
        rank: number of this machine among those that train together.
    """

    seed: int | None = None
    every: int = 0
    rank: int = 0

    def seed_mxnet(self, *place: int) -> None:
        """Seeds MXNet's generator at a place: stage, epoch and batch."""
        if self.seed is not None:
            mx.random.seed(seed_of(self.seed, *place, self.rank))

    def random(self, *place: int, use: str) -> np.random.RandomState:
        """A generator of its own for one use at a place."""
        return np.random.RandomState(seed_of(self.seed, *place, self.rank, use))


def random_state() -> dict[str, Any]:
    """The state of the generators of Python and NumPy."""
    return {"python": random.getstate(), "numpy": np.random.get_state()}


def set_random_state(state: dict[str, Any]) -> None:
    """Restores what `random_state` returned."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
