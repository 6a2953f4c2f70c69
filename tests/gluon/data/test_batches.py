"""Batches: every image once, labels stay with their images; seed and epoch alone decide what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.gluon.data import get_augmentation
from bmx.training import Batches, random_shift

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def make_images(count: int) -> np.ndarray:
    """float32 (count, 2, 6, 5)."""
    return np.random.RandomState(5).standard_normal((count, 2, 6, 5)).astype(np.float32)


def make_bytes(count: int) -> np.ndarray:
    """uint8 (count, 16, 16, 3)."""
    return np.random.RandomState(5).randint(0, 256, (count, 16, 16, 3)).astype(np.uint8)


def make_augmented(count: int, batch_size: int, **options) -> Batches:
    return Batches(
        make_bytes(count),
        np.arange(count),
        batch_size,
        shuffle=True,
        augment=get_augmentation("low", 16),
        seed=options.pop("seed", 3),
        mean=MEAN,
        std=STD,
        **options,
    )


def batches_of(batches: Batches) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(images.asnumpy(), labels.asnumpy()) for images, labels in batches]


def one_pass(batches: Batches) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*batches_of(batches))
    return np.concatenate(images), np.concatenate(labels)


def assert_same(left: list, right: list) -> None:
    assert len(left) == len(right)
    for pair, other in zip(left, right):
        np.testing.assert_array_equal(pair[0], other[0])
        np.testing.assert_array_equal(pair[1], other[1])


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


def test_bytes_are_normalized_and_given_channels_first() -> None:
    images = make_bytes(6)
    seen, _ = one_pass(Batches(images, np.arange(6), 4, mean=MEAN, std=STD))
    expected = ((images / 255 - MEAN) / STD).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(seen, expected, atol=2e-6)  # float32
    plain, _ = one_pass(Batches(images, np.arange(6), 4))
    np.testing.assert_allclose(plain, (images / 255).transpose(0, 3, 1, 2), atol=1e-6)
    half = next(iter(Batches(images, np.arange(6), 4, dtype="float16")))[0]
    assert half.dtype == np.float16


def test_augmented_images_are_those_of_the_label() -> None:
    seen, labels = one_pass(make_augmented(30, 7))
    pixels = np.rint((seen.transpose(0, 2, 3, 1) * STD + MEAN) * 255).astype(int)
    padded = np.pad(make_bytes(30).astype(int), ((0, 0), (2, 2), (2, 2), (0, 0)))
    for image, label in zip(pixels, labels.astype(int)):
        windows = [padded[label, y : y + 16, x : x + 16] for y in range(5) for x in range(5)]
        found = [w for w in windows if np.array_equal(image, w) or np.array_equal(image, w[:, ::-1])]
        assert len(found) == 1


@pytest.mark.parametrize("step", [0, 2, 5])
def test_resuming_anywhere_gives_the_same_batches(step: int) -> None:
    undisturbed = make_augmented(30, 7)
    epochs = [batches_of(undisturbed) for _ in range(3)]
    again = make_augmented(30, 7)
    again.set_epoch(1, step)
    assert_same(batches_of(again), epochs[1][step:])
    assert_same(batches_of(again), epochs[2])
    again.set_epoch(0)
    next(iter(again))  # a pass that is given up counts too
    assert_same(batches_of(again), epochs[1])


@pytest.mark.parametrize("last_batch", ["keep", "discard"])
def test_workers_see_together_what_one_sees(last_batch: str) -> None:
    one = batches_of(make_augmented(31, 8, last_batch=last_batch))
    parts = [make_augmented(31, 4, part=(rank, 2), last_batch=last_batch) for rank in (0, 1)]
    assert sum(part.sample_count for part in parts) == sum(len(labels) for _, labels in one)
    assert [part.order.step_size(step) for part in parts for step in range(len(part))] == 2 * [
        len(labels) for _, labels in one
    ]
    shares = zip(*(batches_of(part) for part in parts))
    assert_same([tuple(np.concatenate(pair) for pair in zip(*share)) for share in shares], one)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Batches(make_images(10), np.arange(9), 4), "found 10 images and 9 labels"),
        (
            lambda: Batches(make_images(10), np.arange(10), 4, mean=(0, 0)),
            "expected uint8 images for mean and std, found float32",
        ),
        (
            lambda: Batches(make_bytes(10), np.arange(10), 4, mean=(0, 0)),
            "3 channels: expected for each a mean",
        ),
        (lambda: Batches(make_bytes(10), np.arange(10), 4, std=(1, 1, 0)), "std above 0"),
        (
            lambda: Batches(make_bytes(10)[..., 0], np.arange(10), 4),
            r"expected images with 4 axes, found .* shape \(10, 16, 16\)",
        ),
        (
            lambda: make_augmented(9, 4).set_epoch(0, 4),
            "a step from 0 to 3, found epoch 0, step 4",
        ),
        (lambda: make_augmented(9, 4).set_epoch(-1), "epoch -1"),
    ],
)
def test_what_does_not_fit_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_random_shift_is_a_window_of_the_image_with_its_border_repeated() -> None:
    images = make_images(200)
    shifted, _ = one_pass(Batches(images, np.arange(200), 64, augment=random_shift(2)))
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


def test_keywords_that_nobody_knows_are_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'worker'"):
        Batches(make_bytes(4), np.arange(4), 2, worker=(0, 2))
