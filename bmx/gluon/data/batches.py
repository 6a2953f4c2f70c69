"""Batches to learn from, epoch after epoch: of images in memory, or of images that stay on disk.

One iterator, `Epochs`, decides which samples make up which batch; its subclasses only prepare their images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Sequence, Tuple, TypedDict

import mxnet as mx
import numpy as np
from mxnet import gluon

from bmx.gluon.data.augment.augmentation import Augmentation
from bmx.gluon.data.augment.levels import center_view
from bmx.gluon.data.augment.normalizing import Normalizer
from bmx.gluon.data.augment.transforms import IMAGENET_MEAN, IMAGENET_STD
from bmx.gluon.data.order import AUGMENTATION, Order, random_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

Batch = Tuple[mx.nd.NDArray, mx.nd.NDArray]


class Options(TypedDict, total=False):
    """The keywords that all batches take; see `Epochs`."""

    mean: Sequence[float] | None
    std: Sequence[float] | None
    part: tuple[int, int]
    last_batch: str
    dtype: str


class Epochs:
    """Iterates over (images, labels) batches; each pass is the next epoch.

    Order and augmentation of an epoch depend on `seed` and the number of the epoch only, so a training that
    resumes with `set_epoch` sees what it would have seen.

    Args:
        samples: number of images.
        batch_size: images per batch (of one worker).
        shuffle: draw a new order for each epoch.
        seed: seed of order and augmentation, 0 to 2^32 - 1.
        mean: what is subtracted from pixels / 255, a number for each channel.
        std: what the difference is divided by, a number for each channel.
        part: (rank, workers): this worker's share. N workers see together, step by step and in the same
            order, what one worker with N times the batch size sees.
        last_batch: `"keep"`: the last batch holds the rest; `"discard"`: the rest is left out.
        dtype: type of the images in a batch.

    Attributes:
        order: which samples make up which batch.

    Raises:
        ValueError: the arguments do not fit together.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        shuffle: bool,
        seed: int,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        part: tuple[int, int] = (0, 1),
        last_batch: str = "keep",
        dtype: str = "float32",
    ):
        self.order = Order(samples, batch_size, shuffle, seed, part, last_batch).check()
        self._mean, self._std = mean, std
        self._dtype = dtype
        self._next = (0, 0)

    def __len__(self) -> int:
        """Number of batches in an epoch, the same for each worker."""
        return self.order.steps

    @property
    def sample_count(self) -> int:
        """Number of images that this worker sees in an epoch."""
        return self.order.local_count()

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Makes the next pass this epoch (from 0), beginning at this step (from 0)."""
        self._next = self.order.position(epoch, step)

    def __iter__(self) -> Iterator[Batch]:
        """Yields images (batch, channels, height, width) and labels float32 (batch,)."""
        epoch, first = self._next
        self._next = (epoch + 1, 0)
        places = [self.order.places(step) for step in range(first, len(self))]
        yield from self._prepare(epoch, self.order.indices(epoch), places)

    def _prepare(self, epoch: int, samples: np.ndarray, places: list[slice]) -> Iterator[Batch]:
        """Yields the batches of an epoch.

        Args:
            epoch: number of the epoch.
            samples: numbers of the samples in the order of the epoch.
            places: slice of `samples` for each batch.
        """
        raise NotImplementedError


class Batches(Epochs):
    """Batches of images in memory, augmented in NumPy.

    Args:
        images: uint8 (count, height, width, channels), which are divided by 255 and normalized, or
            float32 (count, channels, height, width), which are taken as they are.
        labels: integers (count,).
        batch_size: images per batch (of one worker).
        shuffle: draw a new order for each epoch.
        augment: change of the images of a batch; see `bmx.gluon.data.get_augmentation`.
        seed: seed of order and augmentation, 0 to 2^32 - 1.
        options: `mean` (0 by default) and `std` (1 by default), which uint8 images alone take, `part`,
            `last_batch` and `dtype`; see `Epochs`.

    Raises:
        ValueError: the arguments do not fit together.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int = 0,
        **options: Unpack[Options],
    ):
        super().__init__(len(images), batch_size, shuffle, seed, **options)
        is_bytes = images.dtype == np.uint8
        self._check(images, labels, is_bytes, augment is not None)
        self._images = images if is_bytes else np.ascontiguousarray(images, dtype=np.float32)
        self._labels = np.asarray(labels)
        self._augment = augment
        self._normalizer = Normalizer(images.shape[-1], self._mean, self._std) if is_bytes else None

    def _check(self, images: np.ndarray, labels: np.ndarray, is_bytes: bool, is_augmented: bool) -> None:
        if len(images) != len(labels):
            raise ValueError(
                f"Batches: expected one label per image, found {len(images)} images and {len(labels)} labels"
            )
        if images.ndim != 4 and (is_bytes or is_augmented):
            raise ValueError(f"Batches: expected images with 4 axes, found an array of shape {images.shape}")
        if not is_bytes and (self._mean is not None or self._std is not None):
            raise ValueError(
                f"Batches: expected uint8 images for mean and std, found {images.dtype}; normalize them first"
            )

    def _prepare(self, epoch: int, samples: np.ndarray, places: list[slice]) -> Iterator[Batch]:
        numbers = self.order.numbers(epoch, self._augment.numbers if self._augment else 0)
        for place in places:
            chosen = samples[place]
            images = self._seen(self._images[chosen], numbers[place])
            yield mx.nd.array(images, dtype=self._dtype), mx.nd.array(self._labels[chosen], dtype="float32")

    def _seen(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Images as they are stored -> float32 (batch, channels, height, width), augmented."""
        if self._normalizer is not None:
            return self._normalizer(images if self._augment is None else self._augment.apply(images, numbers))
        if self._augment is None:
            return images
        moved = self._augment.apply(images.transpose(0, 2, 3, 1), numbers)
        return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))


class ImageBatches(Epochs):
    """Batches of images that stay on disk: image folders, RecordIO files, any Gluon data set of images.

    The batches do not depend on how many processes prepare them.

    Args:
        dataset: gives (image, label); an image is uint8 (height, width, channels) of any size. For example
            `ImageFolder(root)` or `gluon.data.vision.ImageRecordDataset("train.rec")`.
        batch_size: images per batch (of one worker).
        size: height and width of the images in a batch, pixels.
        shuffle: draw a new order for each epoch.
        augment: must bring images to `size`, as `get_augmentation(level, size)` does for more than 96
            pixels; None: the shorter side is resized and the middle cut out.
        seed: seed of order and augmentation, 0 to 2^32 - 1.
        processes: number of processes that read and augment; 0: none but this one.
        options: `mean` and `std` (ImageNet's by default), `part`, `last_batch` and `dtype`; see `Epochs`.

    Raises:
        ValueError: the arguments do not fit together.
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
        processes: int = 0,
        **options: Unpack[Options],
    ):
        mean, std = options.setdefault("mean", IMAGENET_MEAN), options.setdefault("std", IMAGENET_STD)
        super().__init__(len(dataset), batch_size, shuffle, seed, **options)
        self._dataset = dataset
        self._size = size
        self._augment = augment or center_view(size)
        self._normalizer = Normalizer(3 if mean is None else len(mean), mean, std)
        self._processes = processes

    def _prepare(self, epoch: int, samples: np.ndarray, places: list[slice]) -> Iterator[Batch]:
        chosen = [samples[place].tolist() for place in places]
        view = _Epoch(self, epoch)
        yield from gluon.data.DataLoader(view, batch_sampler=chosen, num_workers=self._processes)

    def sample(self, epoch: int, index: int) -> tuple[np.ndarray, np.float32]:
        """An image (channels, size, size) as an epoch sees it, and its label."""
        image, label = self._dataset[index]
        random = random_of(self.order.seed, epoch, AUGMENTATION, index)
        changed = self._augment.apply(image.asnumpy()[None], random.random_sample((1, self._augment.numbers)))
        if changed.shape[1:3] != (self._size, self._size):
            raise ValueError(
                f"ImageBatches: image {index}: expected {self._size} x {self._size} pixels after the "
                f"augmentation, found shape {changed.shape[1:]}"
            )
        return self._normalizer(changed)[0].astype(self._dtype, copy=False), np.float32(label)


class _Epoch(gluon.data.Dataset):
    """The images of `ImageBatches` as one epoch sees them."""

    def __init__(self, batches: ImageBatches, epoch: int):
        self._batches, self._epoch = batches, epoch

    def __len__(self) -> int:
        return self._batches.order.samples

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.float32]:
        return self._batches.sample(self._epoch, index)
