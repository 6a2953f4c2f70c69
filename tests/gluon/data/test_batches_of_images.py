"""Batches of images on disk: what seed and epoch decide, with any number of processes and workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmx.gluon.data import ImageBatches, ImageFolder, get_augmentation
from tests.support.colored_images import COLORS, color_class


def one_pass(batches: ImageBatches) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(images.asnumpy(), labels.asnumpy()) for images, labels in batches]


def assert_same(left: list, right: list) -> None:
    assert len(left) == len(right)
    for (images, labels), (other_images, other_labels) in zip(left, right):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def make(colored: Path, batch_size: int = 4, **options) -> ImageBatches:
    return ImageBatches(
        ImageFolder(colored), batch_size, 112, True, get_augmentation("high", 112), 3, **options
    )


def test_image_batches_repeat_and_resume_with_any_number_of_processes(colored: Path) -> None:
    batches = make(colored)
    first, second = one_pass(batches), one_pass(batches)
    assert first[0][0].shape == (4, 3, 112, 112)
    for images, labels in first:
        assert [color_class(image.transpose(1, 2, 0)) for image in images] == labels.tolist()
    assert any((a != b).any() for (a, _), (b, _) in zip(first, second))
    again = make(colored, processes=2)
    again.set_epoch(1, step=1)
    assert_same(one_pass(again), second[1:])


def test_image_batches_of_workers_are_those_of_one(colored: Path) -> None:
    parts = [one_pass(make(colored, 2, part=(rank, 2))) for rank in (0, 1)]
    together = [tuple(np.concatenate(pair) for pair in zip(*shares)) for shares in zip(*parts)]
    assert_same(together, one_pass(make(colored, 4)))


def test_evaluation_shows_the_middle(colored: Path) -> None:
    batches = ImageBatches(ImageFolder(colored), 5, 16, mean=(0, 0, 0), std=(1, 1, 1))
    assert (len(batches), batches.sample_count) == (3, 12)
    passes = one_pass(batches)
    assert [len(labels) for _, labels in passes] == [5, 5, 2]
    np.testing.assert_allclose(passes[0][0][0, :, 8, 8] * 255, COLORS["ant"], atol=4)  # JPEG


def test_an_augmentation_of_another_size_is_refused(colored: Path) -> None:
    batches = ImageBatches(ImageFolder(colored), 5, 100, augment=get_augmentation("medium", 112))
    with pytest.raises(ValueError, match=r"image 0: expected 100 x 100 pixels.*found shape \(112, 112, 3\)"):
        next(iter(batches))


def test_images_of_another_type(colored: Path) -> None:
    half, single = (
        next(iter(ImageBatches(ImageFolder(colored), 2, 16, dtype=d)))[0] for d in ("float16", "float32")
    )
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half.asnumpy(), single.asnumpy().astype(np.float16))
