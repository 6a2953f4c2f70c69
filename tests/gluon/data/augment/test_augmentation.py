"""Augmentations in a row."""

from __future__ import annotations

import numpy as np

from bmx.gluon.data import Compose
from bmx.gluon.data.augment.crops import Mirror, random_shift
from tests.support.images import draw, make_images


def test_each_step_of_compose_has_numbers_of_its_own() -> None:
    images, both = make_images(5), Compose(random_shift(1), Mirror())
    numbers = draw(both, 5)
    assert both.numbers == 3
    expected = Mirror().apply(random_shift(1).apply(images, numbers[:, :2]), numbers[:, 2:])
    np.testing.assert_array_equal(both.apply(images, numbers), expected)
