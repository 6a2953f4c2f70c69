"""Batches: every image once, labels stay with their images, order repeatable, shifts as defined."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.training import Batches, random_shift


def make_images(count: int) -> np.ndarray:
    return np.random.RandomState(5).standard_normal((count, 2, 6, 5)).astype(np.float32)


def one_pass(batches: Batches) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*[(x.asnumpy(), y.asnumpy()) for x, y in batches])
    return np.concatenate(images), np.concatenate(labels)


def test_in_order_without_shuffle_and_the_last_batch_is_the_rest() -> None:
    images = make_images(10)
    batches = Batches(images, np.arange(10), batch_size=4)
    assert len(batches) == 3
    assert batches.sample_count == 10
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    seen, labels = one_pass(batches)
    np.testing.assert_array_equal(seen, images)
    np.testing.assert_array_equal(labels, np.arange(10))


def test_shuffle_keeps_labels_with_images_and_changes_each_pass() -> None:
    images = make_images(50)
    batches = Batches(images, np.arange(50), batch_size=8, shuffle=True, seed=1)
    orders = []
    for _ in range(2):
        seen, labels = one_pass(batches)
        orders.append(labels.astype(int))
        np.testing.assert_array_equal(np.sort(orders[-1]), np.arange(50))
        np.testing.assert_array_equal(seen, images[orders[-1]])
    assert (orders[0] != orders[1]).any()


def test_the_seed_fixes_order_and_augmentation() -> None:
    images = make_images(20)

    def run(seed: int) -> np.ndarray:
        return one_pass(Batches(images, np.arange(20), 7, True, random_shift(2), seed))[0]

    np.testing.assert_array_equal(run(1), run(1))
    assert (run(1) != run(2)).any()


def test_different_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="10 images but 9 labels"):
        Batches(make_images(10), np.arange(9), 4)


def test_random_shift_is_a_window_of_the_image_with_its_border_repeated() -> None:
    images = make_images(200)
    shifted = random_shift(2)(images, np.random.RandomState(0))
    rows, columns = np.arange(6), np.arange(5)
    seen = set()
    for before, after in zip(images, shifted):
        matches = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if np.array_equal(
                after, before[:, np.clip(rows + down, 0, 5)][:, :, np.clip(columns + right, 0, 4)]
            )
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 25
