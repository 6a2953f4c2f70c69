"""Batches of a data set that fits in memory, shuffled and augmented in NumPy."""

from __future__ import annotations

from typing import Iterator, Sequence

import mxnet as mx
import numpy as np

from bmx.gluon.data.augment.augmentation import Augmentation
from bmx.gluon.data.augment.crops import random_shift
from bmx.gluon.data.augment.normalizing import Normalizer
from bmx.gluon.data.order import Order

__all__ = ["Batches", "random_shift"]


class Batches:
    """Iterates over (images, labels) batches.

    Order and augmentation of an epoch depend on `seed` and the epoch's number only. Each pass is the next
    epoch; `set_epoch` says which one comes next, so a training that goes on sees what it would have seen.

    Args:
        images: uint8 (count, height, width, channels), which are divided by 255 and normalised, or
            float32 (count, channels, height, width), which are taken as they are.
        labels: integers (count,).
        batch_size: images per batch (of one worker).
        shuffle: draw a new order for each epoch.
        augment: what to do with the images of a batch; see `bmx.gluon.data.augment.augmentation`.
        seed: seed of order and augmentation, 0 to 2^32 - 1.
        mean: of the channels, in 0 to 1; uint8 images only. 0 by default.
        std: of the channels; uint8 images only. 1 by default.
        part: (rank, workers): this worker's share. N workers see together, step by step and in the same
            order, what one worker with N times the batch size sees.
        last_batch: `"keep"`: the last batch holds the rest; `"discard"`: the rest is left out.
        dtype: of the images.

    Raises:
        ValueError: if the arguments do not fit together.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int = 0,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        part: tuple[int, int] = (0, 1),
        last_batch: str = "keep",
        dtype: str = "float32",
    ):
        if len(images) != len(labels):
            raise ValueError(
                f"Batches: {len(images)} images but {len(labels)} labels; expected as many of each"
            )
        if images.ndim != 4 and (images.dtype == np.uint8 or augment is not None):
            raise ValueError(f"Batches: the images are an array of shape {images.shape}; expected 4 axes")
        self.order = Order(len(images), batch_size, shuffle, seed, part, last_batch).check()
        is_bytes = images.dtype == np.uint8
        if not is_bytes and (mean is not None or std is not None):
            raise ValueError(
                f"Batches: mean and std are for uint8 images; these are {images.dtype}, normalise them before"
            )
        self._images = images if is_bytes else np.ascontiguousarray(images, dtype=np.float32)
        self._labels = np.asarray(labels)
        self._augment = augment
        self._dtype = dtype
        self._normalizer = Normalizer(images.shape[-1], mean, std) if is_bytes else None
        self._next = (0, 0)

    def __len__(self) -> int:
        """Number of batches in an epoch, the same for each worker."""
        return self.order.steps

    @property
    def sample_count(self) -> int:
        """Number of images that this worker sees in an epoch."""
        return self.order.local_count()

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """The next pass is this epoch (from 0), from this step on (from 0)."""
        self._next = self.order.position(epoch, step)

    def __iter__(self) -> Iterator[tuple[mx.nd.NDArray, mx.nd.NDArray]]:
        """Yields images (batch, channels, height, width) and labels float32 (batch,)."""
        epoch, first = self._next
        self._next = (epoch + 1, 0)
        order = self.order.indices(epoch)
        numbers = self.order.numbers(epoch, self._augment.numbers if self._augment else 0)
        for step in range(first, len(self)):
            places = self.order.places(step)
            chosen = order[places]
            images = self._prepare(self._images[chosen], numbers[places])
            yield mx.nd.array(images, dtype=self._dtype), mx.nd.array(self._labels[chosen], dtype="float32")

    def _prepare(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Images as they are stored -> float32 (batch, channels, height, width), augmented."""
        if self._normalizer is not None:
            return self._normalizer(images if self._augment is None else self._augment.apply(images, numbers))
        if self._augment is None:
            return images
        moved = self._augment.apply(images.transpose(0, 2, 3, 1), numbers)
        return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))
