"""Colors against colorsys and plain formulas."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from bmx.gluon.data.augment.colors import (
    ColorJitter,
    HueLightnessSaturation,
    PCANoise,
    hls_to_rgb,
    rgb_to_hls,
)
from tests.support.images import draw, make_images


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
