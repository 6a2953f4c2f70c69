"""Which samples make up which batch: a function of seed and epoch alone, alike on every machine of a job."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ORDER, AUGMENTATION = 0, 1  # separate streams of random numbers
LAST_BATCH = ("keep", "discard")


def random_of(seed: int, epoch: int, *stream: int) -> np.random.RandomState:
    """The random numbers of an epoch; each `stream` has its own.

    Raises:
        ValueError: an argument is not in 0 to 2^32 - 1.
    """
    for value in (seed, epoch, *stream):
        if not 0 <= value < 2**32:
            raise ValueError(f"seed and epoch: expected integers from 0 to 2^32 - 1, found {value}")
    return np.random.RandomState(np.array([seed, epoch, *stream], dtype=np.uint32))


class Order(NamedTuple):
    """Cuts an epoch into global batches, and a global batch into one slice per worker.

    The order of an epoch depends on `seed` and the epoch only, so N workers of `batch_size` see together,
    step by step and in the same order, what one worker with N times the batch size sees.

    Attributes:
        samples: number of samples in an epoch.
        batch_size: samples in a batch of one worker; a global batch has `workers * batch_size`.
        shuffle: draw a new order for each epoch.
        seed: seed of the order and of `numbers`.
        part: (rank, workers): number of the slice of each global batch, and how many there are.
        last_batch: `"keep"`: the last global batch holds the rest, shared as evenly as possible;
            `"discard"`: the rest is left out of this epoch.
    """

    samples: int
    batch_size: int
    shuffle: bool = False
    seed: int = 0
    part: tuple[int, int] = (0, 1)
    last_batch: str = "keep"

    def check(self) -> Order:
        """Returns itself; raises ValueError with what is wrong."""
        rank, workers = self.part
        if self.batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, found {self.batch_size}")
        if not 0 <= rank < workers:
            raise ValueError(f"part: expected (rank, workers) with 0 <= rank < workers, found {self.part}")
        if self.last_batch not in LAST_BATCH:
            raise ValueError(
                f"last_batch: expected one of {', '.join(LAST_BATCH)}, found {self.last_batch!r}"
            )
        rest = self.samples % self.global_batch_size
        if self.last_batch == "keep" and 0 < rest < workers:
            raise ValueError(
                f"last_batch: expected a sample for each of {workers} workers, found {rest} left of "
                f"{self.samples} samples; give last_batch='discard'"
            )
        if self.steps == 0:
            raise ValueError(
                f"expected samples for a batch of {workers} x {self.batch_size}, found {self.samples}; give "
                "a smaller batch_size or last_batch='keep'"
            )
        return self

    @property
    def global_batch_size(self) -> int:
        """Samples in a full step on all workers together."""
        return self.batch_size * self.part[1]

    @property
    def steps(self) -> int:
        """Number of batches in an epoch, the same for each worker."""
        whole, rest = divmod(self.samples, self.global_batch_size)
        return whole + (rest > 0 and self.last_batch == "keep")

    def step_size(self, step: int) -> int:
        """Samples in a step (from 0) on all workers together: the divisor of a sum of gradients."""
        return min(self.global_batch_size, self.samples - step * self.global_batch_size)

    def position(self, epoch: int, step: int) -> tuple[int, int]:
        """A position to resume from; a ValueError says what is wrong with it."""
        if epoch < 0 or not 0 <= step <= self.steps:
            raise ValueError(
                f"position: expected an epoch from 0 and a step from 0 to {self.steps}, found epoch {epoch}, "
                f"step {step}"
            )
        return epoch, step

    def indices(self, epoch: int) -> np.ndarray:
        """Numbers of the samples in the order of an epoch: integers (samples,)."""
        if self.shuffle:
            return random_of(self.seed, epoch, ORDER).permutation(self.samples)
        return np.arange(self.samples)

    def places(self, step: int) -> slice:
        """This worker's slice of `indices` in a step (from 0)."""
        rank, workers = self.part
        start, size = step * self.global_batch_size, self.step_size(step)
        each, rest = divmod(size, workers)
        begin = start + rank * each + min(rank, rest)
        return slice(begin, begin + each + (rank < rest))

    def local_count(self) -> int:
        """Number of samples that this worker sees in an epoch."""
        places = [self.places(step) for step in (0, self.steps - 1)]
        first, last = (place.stop - place.start for place in places)
        return first * (self.steps - 1) + last

    def numbers(self, epoch: int, width: int) -> np.ndarray:
        """Random numbers for augmentation, uniform in [0, 1): float64 (samples, width), row i for place i."""
        return random_of(self.seed, epoch, AUGMENTATION).random_sample((self.samples, width))
