"""Batches of a data set that fits in memory, shuffled and augmented in NumPy."""

from __future__ import annotations

from typing import Callable, Iterator

import mxnet as mx
import numpy as np

Augmentation = Callable[[np.ndarray, np.random.RandomState], np.ndarray]


class Batches:
    """Iterates over (images, labels) batches; every pass over it shuffles anew.

    Args:
        images: float32 (count, channels, height, width).
        labels: integers (count,).
        batch_size: images per batch; the last batch holds the rest.
        shuffle: draw a new order for each pass.
        augment: called with a batch of images and the random state; returns the images to train on.
        seed: seed of order and augmentation.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int = 0,
    ):
        if len(images) != len(labels):
            raise ValueError(
                f"Batches: {len(images)} images but {len(labels)} labels; expected as many of each"
            )
        self._images = np.ascontiguousarray(images, dtype=np.float32)
        self._labels = np.asarray(labels)
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._augment = augment
        self._random = np.random.RandomState(seed)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._images) // self._batch_size)

    @property
    def sample_count(self) -> int:
        """Number of images."""
        return len(self._images)

    def __iter__(self) -> Iterator[tuple[mx.nd.NDArray, mx.nd.NDArray]]:
        """Yields images float32 (batch, channels, height, width) and labels float32 (batch,)."""
        count = len(self._images)
        order = self._random.permutation(count) if self._shuffle else np.arange(count)
        for start in range(0, count, self._batch_size):
            chosen = order[start : start + self._batch_size]
            images = self._images[chosen]
            if self._augment:
                images = self._augment(images, self._random)
            yield mx.nd.array(images), mx.nd.array(self._labels[chosen])


def random_shift(pixels: int) -> Augmentation:
    """Augmentation: moves each image by up to `pixels` in both directions, repeating its border."""

    def shift(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        count, _, height, width = images.shape
        margin = ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels))
        padded = np.pad(images, margin, mode="edge")
        shifted = np.empty_like(images)
        for index, (top, left) in enumerate(random.randint(0, 2 * pixels + 1, (count, 2))):
            shifted[index] = padded[index, :, top : top + height, left : left + width]
        return shifted

    return shift
