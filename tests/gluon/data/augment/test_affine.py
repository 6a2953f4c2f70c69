"""Affine maps against a loop and against geometry by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.gluon.data.augment.affine import Affine, sample_bilinear
from tests.support.images import make_images


def test_bilinear_sampling_in_a_loop() -> None:
    images = make_images(2, 5, 4)
    places = np.random.RandomState(5).uniform(-1.5, 6, (2, 2, 3, 3)).astype(np.float32)
    after = sample_bilinear(images, places[0], places[1])
    for index in np.ndindex(2, 3, 3):
        row, column = min(max(places[0][index], 0), 4), min(max(places[1][index], 0), 3)
        top, left = int(row), int(column)
        y, x = row - top, column - left
        picture = images[index[0]].astype(float)
        bottom, right = min(top + 1, 4), min(left + 1, 3)
        upper = picture[top, left] * (1 - x) + picture[top, right] * x
        lower = picture[bottom, left] * (1 - x) + picture[bottom, right] * x
        np.testing.assert_allclose(after[index], upper * (1 - y) + lower * y, atol=0.51)


def test_affine_rotates_and_stretches() -> None:
    image = np.zeros((1, 21, 21, 1), np.uint8)
    image[0, 10, 4:17] = 200  # a line across the middle
    middle = 0.5
    turned = Affine(90, 0, 0).apply(image, np.array([[1.0, middle, middle]]))[0, :, :, 0]
    assert (turned[4:17, 10] > 150).all()
    assert turned[:, :9].max() == turned[:, 12:].max() == 0
    wide = Affine(0, 0, 0.25).apply(image, np.array([[middle, middle, 1.0]]))[0, 10, :, 0]
    assert (wide > 100).sum() == pytest.approx(13 * 2 * 1.25 / 2.25, abs=1)
    np.testing.assert_array_equal(Affine(10, 0.1, 0.25).apply(image, np.full((1, 3), middle)), image)
