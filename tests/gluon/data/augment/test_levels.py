"""Augmentations by name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bmx.gluon.data import get_augmentation
from bmx.gluon.data.augment.levels import LEVELS
from tests.support.images import draw, make_images


@pytest.mark.parametrize("size", [28, 32, 112])
@pytest.mark.parametrize("level", LEVELS)
def test_levels(level: str, size: int) -> None:
    augmentation = get_augmentation(level, size)
    if augmentation is None:
        assert level == "none"
        return
    images = make_images(4, size, size, 1 if size == 28 else 3)
    numbers = draw(augmentation, 4)
    after = augmentation.apply(images, numbers)
    assert (after.shape, after.dtype) == (images.shape, np.uint8)
    assert (after != images).any()
    np.testing.assert_array_equal(
        after[2], augmentation.apply(images[2:3], numbers[2:3])[0]
    )  # each for itself


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match="expected one of none, shift, low, medium, high, found 'huge'"):
        get_augmentation("huge")


def test_levels_of_large_images_are_bmxnets() -> None:
    steps = [type(step).__name__ for step in get_augmentation("high", 224).steps]
    assert steps == ["RandomResizedCrop", "Mirror", "ColorJitter", "PCANoise"]
    assert get_augmentation("low", 224).steps[0].size == math.ceil(224 / 0.875) == 256
