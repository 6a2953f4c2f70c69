"""Gluon transforms: the augmentation, then what ToTensor and Normalize mean."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from bmx.gluon.data import get_augmentation
from bmx.gluon.data.augment.transforms import evaluation_transform, training_transform

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def normalized(image: np.ndarray) -> np.ndarray:
    return ((image / 255 - MEAN) / STD).transpose(2, 0, 1)


def test_training_transform_repeats_with_its_seed() -> None:
    images = np.random.RandomState(1).randint(0, 256, (5, 32, 32, 3)).astype(np.uint8)

    def run(seed: int) -> np.ndarray:
        transform = training_transform("medium", 32, MEAN, STD, seed)
        return np.stack([transform(mx.nd.array(image, dtype="uint8")).asnumpy() for image in images])

    augmentation = get_augmentation("medium", 32)
    numbers = np.random.RandomState(7).random_sample((5, augmentation.numbers))
    expected = [normalized(image) for image in augmentation.apply(images, numbers)]
    np.testing.assert_allclose(run(7), expected, atol=1e-5)
    assert (run(7) != run(8)).any()


def test_without_augmentation_and_for_evaluation() -> None:
    image = np.random.RandomState(1).randint(0, 256, (32, 32, 3)).astype(np.uint8)
    plain = training_transform("none", 32, MEAN, STD)(mx.nd.array(image, dtype="uint8"))
    np.testing.assert_allclose(plain.asnumpy(), normalized(image), atol=1e-5)
    middle = evaluation_transform(28, MEAN, STD)(mx.nd.array(image, dtype="uint8"))
    np.testing.assert_allclose(middle.asnumpy(), normalized(image[2:30, 2:30]), atol=1e-5)
