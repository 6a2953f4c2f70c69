"""Windows and mirror images against slow and obvious references."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.gluon.data.augment.crops import Crop, Mirror, PaddedCrop
from tests.support.images import draw, make_images


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_padded_crop_is_each_window_equally_often(mode: str) -> None:
    images, crop = make_images(300), PaddedCrop(2, mode)
    numbers = draw(crop, 300)
    seen = {}
    for image, (down, right), after in zip(images, numbers, crop.apply(images, numbers)):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode=mode)
        top, left = int(down * 5), int(right * 5)
        np.testing.assert_array_equal(after, padded[top : top + 9, left : left + 8])
        seen[top, left] = seen.get((top, left), 0) + 1
    assert len(seen) == 25
    assert max(seen.values()) < 30  # 12 expected


def test_crop_reaches_every_corner_and_refuses_small_images() -> None:
    images = make_images(2)
    cut = Crop(8).apply(images, np.array([[0, 0.5], [0.999, 0.999]]))
    np.testing.assert_array_equal(cut[0], images[0, :8])
    np.testing.assert_array_equal(cut[1], images[1, 1:])
    with pytest.raises(ValueError, match="at least 9 x 9 pixels, found 9 x 8; resize"):
        Crop(9).apply(images, np.zeros((2, 2)))


def test_mirror_turns_half_of_the_images_and_leaves_its_input() -> None:
    images = make_images(4)
    before = images.copy()
    after = Mirror().apply(images, np.array([[0.1], [0.9], [0.49], [0.5]]))
    np.testing.assert_array_equal(
        after, np.stack([images[0, :, ::-1], images[1], images[2, :, ::-1], images[3]])
    )
    np.testing.assert_array_equal(images, before)
