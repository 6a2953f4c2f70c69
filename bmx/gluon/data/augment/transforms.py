"""Augmentations as Gluon transforms, for `dataset.transform_first` and GluonCV's own loops.

Such a transform draws from a random state of its own. Each worker of a `DataLoader` gets a copy, so the
numbers depend on who takes which batch. `bmx.gluon.data.ImageBatches` repeats with any number of workers.
"""

from __future__ import annotations

from typing import Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon.data.vision import transforms

from bmx.gluon.data.augment.augmentation import Augmentation
from bmx.gluon.data.augment.levels import center_view, get_augmentation

IMAGENET_MEAN = tuple(value / 255 for value in (123.68, 116.779, 103.939))  # BMXNet-v2's
IMAGENET_STD = tuple(value / 255 for value in (58.393, 57.12, 57.375))


class Augment(gluon.Block):
    """Augments one image per call.

    Args:
        augmentation: change of the images.
        seed: seed of the random numbers; the same seed and order of calls give the same images.

    Inputs:
        - **image**: uint8 (height, width, channels).

    Outputs:
        - **image**: uint8 (new height, new width, channels).
    """

    def __init__(self, augmentation: Augmentation, seed: int = 0):
        super().__init__()
        self._augmentation = augmentation
        self._random = np.random.RandomState(seed)

    def forward(self, image: mx.nd.NDArray) -> mx.nd.NDArray:
        """Draws the numbers of this call."""
        numbers = self._random.random_sample((1, self._augmentation.numbers))
        changed = self._augmentation.apply(image.asnumpy()[None], numbers)[0]
        return mx.nd.array(np.ascontiguousarray(changed), dtype=image.dtype)


def training_transform(
    level: str,
    size: int,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    seed: int = 0,
) -> gluon.Block:
    """uint8 (height, width, channels) -> float32 (channels, size, size), augmented and normalized.

    Args:
        level: name of the augmentation; see `bmx.gluon.data.get_augmentation`.
        size: height and width of the result, pixels; images of up to 96 pixels must come in this size.
        mean: mean of each channel, 0 to 1.
        std: standard deviation of each channel.
        seed: seed of the augmentation.
    """
    augmentation = get_augmentation(level, size)
    first = [Augment(augmentation, seed)] if augmentation else []
    return transforms.Compose([*first, transforms.ToTensor(), transforms.Normalize(mean, std)])


def evaluation_transform(
    size: int, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD
) -> gluon.Block:
    """uint8 (height, width, channels) -> float32 (channels, size, size): the middle, normalized."""
    return transforms.Compose(
        [Augment(center_view(size)), transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
