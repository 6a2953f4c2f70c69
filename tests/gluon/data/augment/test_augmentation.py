"""Augmentations against slow and obvious references: loops, colorsys, Pillow's geometry by hand."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from bmx.gluon.data import Compose, get_augmentation
from bmx.gluon.data.augment.affine import Affine, sample_bilinear
from bmx.gluon.data.augment.colors import (
    ColorJitter,
    HueLightnessSaturation,
    PCANoise,
    hls_to_rgb,
    rgb_to_hls,
)
from bmx.gluon.data.augment.crops import Crop, Mirror, PaddedCrop, random_shift
from bmx.gluon.data.augment.levels import LEVELS, center_view
from bmx.gluon.data.augment.resizing import RandomResizedCrop, ResizeShorter


def make_images(count: int, height: int = 9, width: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.RandomState(2).randint(0, 256, (count, height, width, channels)).astype(np.uint8)


def draw(augmentation, count: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).random_sample((count, augmentation.numbers))


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


def test_each_step_of_compose_has_numbers_of_its_own() -> None:
    images, both = make_images(5), Compose(random_shift(1), Mirror())
    numbers = draw(both, 5)
    assert both.numbers == 3
    expected = Mirror().apply(random_shift(1).apply(images, numbers[:, :2]), numbers[:, 2:])
    np.testing.assert_array_equal(both.apply(images, numbers), expected)


def test_hue_lightness_saturation_is_colorsys() -> None:
    colors = np.random.RandomState(3).random_sample((3, 200)).astype(np.float32)
    colors[:, 0], colors[:, 1], colors[:, 2], colors[:, 3] = 0, 1, 0.5, (1, 0, 1)
    hue, lightness, saturation = rgb_to_hls(colors)
    expected = np.array([colorsys.rgb_to_hls(*color) for color in colors.T.astype(float)]).T
    np.testing.assert_allclose(hue / 360, expected[0], atol=1e-4)  # float32, divided by small spreads
    np.testing.assert_allclose((lightness, saturation), expected[1:], atol=1e-4)
    np.testing.assert_allclose(hls_to_rgb(hue, lightness, saturation), colors, atol=1e-5)


def test_hue_turns_around_the_circle() -> None:
    red = np.full((1, 2, 2, 3), (255, 0, 0), np.uint8)
    turn = HueLightnessSaturation(
        180, 0, 0
    )  # half of OpenCV's 180 steps either way: numbers 5/6 is +120 degrees
    after = turn.apply(red, np.array([[0.5 + 120 / 720, 0.5, 0.5]]))
    np.testing.assert_array_equal(after, np.full((1, 2, 2, 3), (0, 255, 0)))
    gray = HueLightnessSaturation(36, 50, 50).apply(
        np.full((1, 1, 1, 1), 100, np.uint8), np.array([[0, 0.75, 0]])
    )
    assert gray.item() == 125


def test_color_jitter_in_plain_formulas() -> None:
    image = np.random.RandomState(4).randint(60, 180, (6, 5, 3)).astype(np.uint8)
    factors = np.array([1.2, 0.8, 1.3])
    numbers = (factors - 0.6) / 0.8
    after = ColorJitter(0.4, 0.4, 0.4).apply(image[None], numbers[None])[0]
    luminance = np.array([0.299, 0.587, 0.114])
    bright = image * factors[0]
    contrast = bright * factors[1] + (1 - factors[1]) * (bright @ luminance).mean()
    gray = (contrast @ luminance)[..., None]
    expected = contrast * factors[2] + (1 - factors[2]) * gray
    np.testing.assert_allclose(after, expected, atol=0.51)  # rounding
    same = ColorJitter(0.4, 0.4, 0.4).apply(image[None], np.full((1, 3), 0.5))[0]
    np.testing.assert_array_equal(same, image)


def test_pca_noise_has_the_covariance_of_its_components() -> None:
    images = np.full((4000, 1, 1, 3), 128, np.uint8)
    noise = PCANoise(0.1)
    after = noise.apply(images, draw(noise, 4000)).reshape(-1, 3) - 128.0
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    expected = vectors @ np.diag((0.1 * np.array([55.46, 4.794, 1.148])) ** 2) @ vectors.T
    np.testing.assert_allclose(np.cov(after.T), expected, atol=0.8)  # 1/12 of rounding, 2 % of 4,000 samples
    with pytest.raises(ValueError, match=r"expected images of 3 channels \(RGB\), found 1"):
        noise.apply(make_images(1, channels=1), np.zeros((1, 4)))


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
