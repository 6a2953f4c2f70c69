"""Images by name: scaling, limits, noise, and folders of images on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bmx.training.reading import ConfigError
from bmx.training.schema import Data
from bmx.training.sources import open_source


def test_noise_is_the_same_for_the_same_seed() -> None:
    data = Data(name="random", shape=[6, 5, 2], classes=3, train_limit=7, test_limit=4, batch_size=4)
    one, same, other = (open_source(data, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.train[0], same.train[0])
    assert (one.train[0] != other.train[0]).any()
    assert one.shape == (1, 2, 6, 5)
    assert one.classes == ["0", "1", "2"]
    assert (one.batches(0).sample_count, one.held_out().sample_count) == (7, 4)


@pytest.mark.parametrize(("scaling", "low", "high"), [("unit", 0, 1), ("symmetric", -1, 1)])
def test_scalings(scaling: str, low: float, high: float) -> None:
    source = open_source(Data(name="random", scaling=scaling, batch_size=512))
    source.train[0][0, 0, 0] = (0, 255, 255)
    images, _ = next(iter(source.batches(0, augmented=False)))
    assert images.min().asscalar() == pytest.approx(low, abs=1e-6)
    assert images.max().asscalar() == pytest.approx(high, abs=1e-6)
    rule = source.preprocessing
    expected = (source.train[0].astype(np.float64) * rule["scale"] - rule["mean"]) / rule["std"]
    assert images.mean().asscalar() == pytest.approx(expected.mean(), abs=1e-3)


def test_folders_of_images(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    for split, count in (("train", 3), ("val", 2)):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                image = random.randint(0, 256, (130, 120, 3)).astype(np.uint8)
                cv2.imwrite(str(tmp_path / split / name / f"{number}.png"), image)
    data = Data(
        name="imagenet", root=str(tmp_path), size=100, batch_size=4, augmentation="medium", processes=0
    )
    source = open_source(data)
    assert source.classes == ["cat", "dog"]
    batches = source.batches(0)
    assert [tuple(images.shape) for images, _ in batches] == [(4, 3, 100, 100), (2, 3, 100, 100)]
    ((images, labels),) = source.held_out()
    assert images.shape == (4, 3, 100, 100)
    np.testing.assert_array_equal(labels.asnumpy(), [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(), "expected a data set"),
        (Data(name="random", shape=[3, 3]), "expected height, width and channels"),
        (Data(name="random", scaling="none"), "data.scaling: expected one of"),
        (Data(name="imagenet"), "data.root: expected the folder"),
    ],
)
def test_what_is_not_known_is_said(data: Data, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_source(data)
