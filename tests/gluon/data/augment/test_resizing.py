"""Sizes: windows that are resized, and ratios that stay."""

from __future__ import annotations

import numpy as np

from bmx.gluon.data.augment.levels import center_view
from bmx.gluon.data.augment.resizing import RandomResizedCrop, ResizeShorter
from tests.support.images import draw


def test_random_resized_crop_draws_area_and_ratio() -> None:
    crop = RandomResizedCrop(8)
    windows = [crop.window(120, 100, numbers) for numbers in draw(crop, 400)]
    areas, ratios = [], []
    for top, left, height, width in windows:
        assert 0 <= top <= 120 - height
        assert 0 <= left <= 100 - width
        areas.append(height * width / 12000)
        ratios.append(width / height)
    assert 0.07 < min(areas) < 0.12
    assert 0.8 < max(areas) < 1
    assert 0.74 < min(ratios) < 0.78
    assert 1.28 < max(ratios) < 1.35
    assert crop.window(10, 1000, np.full(22, 0.999)) == (0, 495, 10, 10)


def test_resizing_keeps_the_ratio() -> None:
    image = np.broadcast_to(np.linspace(0, 255, 40).astype(np.uint8)[:, None, None], (40, 60, 3))
    after = ResizeShorter(20).apply(image[None], np.zeros((1, 0)))
    assert after.shape == (1, 20, 30, 3)
    expected = image.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(after[0], expected, atol=1)
    assert center_view(14).apply(image[None], np.zeros((1, 0))).shape == (1, 14, 14, 3)
