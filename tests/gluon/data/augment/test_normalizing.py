"""Images as a net gets them while training, and as its packed file gets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mxnet import gluon

import bmx.gluon
from bmx import runtime
from bmx.gluon.data.augment.normalizing import Normalizer

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def test_a_packed_file_gets_the_same_numbers(tmp_path: Path) -> None:
    images = np.arange(4 * 16 * 16 * 3, dtype=np.uint32).reshape(4, 16, 16, 3) * 7 % 256
    images = images.astype(np.uint8)
    net, path = gluon.nn.Flatten(), str(tmp_path / "numbers.bmx")
    bmx.export(net, path, (1, 3, 16, 16), {"scale": 1 / 255, "mean": list(MEAN), "std": list(STD)})
    found = runtime.Model(path)(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(found, Normalizer(3, MEAN, STD)(images).reshape(4, -1))


def test_without_mean_and_std_a_pixel_is_from_0_to_1() -> None:
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(Normalizer(1)(images).ravel(), np.float32([0, 0.2, 1]))


@pytest.mark.parametrize(("mean", "std"), [((0.5,), None), (None, (1.0, 0.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))])
def test_other_numbers_are_refused(mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> None:
    with pytest.raises(ValueError, match="3 channels: expected for each a mean and a std above 0, found"):
        Normalizer(3, mean, std)
