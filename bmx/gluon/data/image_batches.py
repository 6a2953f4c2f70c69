"""Batches of images that stay on disk: image folders, RecordIO files, any Gluon data set of images."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.gluon.data.augment.augmentation import Augmentation
from bmx.gluon.data.augment.levels import center_view
from bmx.gluon.data.augment.normalizing import Normalizer
from bmx.gluon.data.augment.transforms import IMAGENET_MEAN, IMAGENET_STD
from bmx.gluon.data.order import AUGMENTATION, Order, random_of


class ImageBatches:
    """Iterates over (images, labels) batches, like `bmx.training.Batches`, but reads images as it goes.

    Order and augmentation of an epoch depend on `seed` and the epoch's number only, however many processes
    prepare the images and however many workers share a global batch.

    Args:
        dataset: gives (image, label); an image is uint8 (height, width, channels) of any size. For example
            `ImageFolder(root)` or `gluon.data.vision.ImageRecordDataset("train.rec")`.
        batch_size: images per batch (of one worker).
        size: height and width of the images that come out, pixels.
        shuffle: draw a new order for each epoch.
        augment: must bring images to `size`, as `get_augmentation(level, size)` does for more than 96
            pixels; None: the shorter side is resized and the middle cut out.
        seed: of order and augmentation, 0 to 2^32 - 1.
        mean: of the channels, in 0 to 1; ImageNet's by default.
        std: likewise.
        part: (rank, workers): this worker's share of each global batch; see `bmx.training.Batches`.
        last_batch: `"keep"`: the last batch holds the rest; `"discard"`: the rest is left out.
        processes: that read and augment; 0: none but this one.

    Raises:
        ValueError: if the arguments do not fit together.
    """

    def __init__(
        self,
        dataset: gluon.data.Dataset,
        batch_size: int,
        size: int = 224,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int = 0,
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        part: tuple[int, int] = (0, 1),
        last_batch: str = "keep",
        processes: int = 0,
    ):
        self.order = Order(len(dataset), batch_size, shuffle, seed, part, last_batch).check()
        self._dataset = dataset
        self._augment = augment or center_view(size)
        self._size = size
        self._normalizer = Normalizer(len(mean), mean, std)
        self._processes = processes
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
        """Yields images float32 (batch, channels, size, size) and labels float32 (batch,)."""
        epoch, first = self._next
        self._next = (epoch + 1, 0)
        order = self.order.indices(epoch)
        batches = [order[self.order.places(step)].tolist() for step in range(first, len(self))]
        view = _Epoch(self._dataset, self._augment, self._size, self._normalizer, self.order.seed, epoch)
        yield from gluon.data.DataLoader(view, batch_sampler=batches, num_workers=self._processes)


class _Epoch(gluon.data.Dataset):
    """The images as one epoch sees them."""

    def __init__(
        self,
        dataset: gluon.data.Dataset,
        augment: Augmentation,
        size: int,
        normalizer: Normalizer,
        seed: int,
        epoch: int,
    ):
        self._dataset, self._augment, self._size, self._normalizer = dataset, augment, size, normalizer
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any]:
        image, label = self._dataset[index]
        numbers = random_of(self._seed, self._epoch, AUGMENTATION, index).random_sample(
            (1, self._augment.numbers)
        )
        changed = self._augment.apply(image.asnumpy()[None], numbers)
        if changed.shape[1:3] != (self._size, self._size):
            raise ValueError(
                f"image {index} has shape {changed.shape[1:]} behind the augmentation; expected "
                f"{self._size} x {self._size} pixels"
            )
        return self._normalizer(changed)[0], np.float32(label)
