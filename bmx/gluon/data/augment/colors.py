"""Augmentations that change colors. Images are uint8 (batch, height, width, channels), RGB or gray."""

from __future__ import annotations

import numpy as np

from bmx.gluon.data.augment.augmentation import Augmentation, between

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# Principal components of ImageNet's pixels (AlexNet, section 4.1): eigenvalues, and eigenvectors as columns.
_EIGENVALUES = np.array([55.46, 4.794, 1.148], dtype=np.float32)
_EIGENVECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]], dtype=np.float32
)


class ColorJitter(Augmentation):
    """Changes brightness, contrast and saturation, in this order, each by a factor around 1.

    Args:
        brightness: largest deviation of the factor from 1; 0 changes nothing.
        contrast: likewise; contrast is the distance from the mean luminance of the image.
        saturation: likewise; saturation is the distance from the luminance of the pixel.
    """

    numbers = 3

    def __init__(self, brightness: float, contrast: float, saturation: float):
        self.amounts = (brightness, contrast, saturation)

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Number 0 decides the brightness, number 1 the contrast, number 2 the saturation."""
        brightness, contrast, saturation = (
            between(numbers[:, index], 1 - amount, 1 + amount).astype(np.float32)[:, None, None, None]
            for index, amount in enumerate(self.amounts)
        )
        colors = images * brightness
        mean = _luminance(colors).mean(axis=(1, 2, 3), keepdims=True)
        colors = mean + (colors - mean) * contrast
        gray = _luminance(colors)
        return _to_bytes(gray + (colors - gray) * saturation)


class PCANoise(Augmentation):
    """AlexNet's lighting noise: adds a random color along the principal components of ImageNet's pixels.

    Args:
        deviation: standard deviation of the three normally distributed factors; AlexNet's is 0.1.
    """

    numbers = 4

    def __init__(self, deviation: float):
        self.deviation = deviation

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Numbers 0 and 2 decide the length of the factors, 1 and 3 their direction; images must be RGB."""
        if images.shape[-1] != 3:
            raise ValueError(f"PCANoise: expected images of 3 channels (RGB), found {images.shape[-1]}")
        factors = self.deviation * _normal(numbers)[:, :3] * _EIGENVALUES
        return _to_bytes(images + (factors @ _EIGENVECTORS.T).astype(np.float32)[:, None, None, :])


class HueLightnessSaturation(Augmentation):
    """Adds a random amount to hue, lightness and saturation, as MXNet's image iterator does (`random_h` ...).

    Args:
        hue: largest change in either direction; 180 is the whole circle.
        lightness: largest change in either direction; 255 is the distance from black to white.
        saturation: largest change in either direction; 255 is the distance from gray to a pure color.
    """

    numbers = 3

    def __init__(self, hue: float, lightness: float, saturation: float):
        self.limits = np.array([2 * hue, lightness / 255, saturation / 255])

    def apply(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Numbers 0 to 2 decide hue, lightness and saturation; gray images have lightness only."""
        hue, lightness, saturation = (
            change.astype(np.float32)[:, None, None] for change in (between(numbers, -1, 1) * self.limits).T
        )
        if images.shape[-1] == 1:
            return _to_bytes(images + 255 * lightness[..., None])
        planes = np.ascontiguousarray(images.transpose(3, 0, 1, 2), dtype=np.float32) / 255
        old = rgb_to_hls(planes)
        new = hls_to_rgb(
            _wrapped(old[0] + hue, 360), np.clip(old[1] + lightness, 0, 1), np.clip(old[2] + saturation, 0, 1)
        )
        return np.ascontiguousarray(_to_bytes(255 * new).transpose(1, 2, 3, 0))


def rgb_to_hls(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGB planes in 0 to 1, (3, ...) -> hue 0 to 360, lightness 0 to 1, saturation 0 to 1, each (...)."""
    red, green, blue = colors
    high, low = (extreme(extreme(red, green), blue) for extreme in (np.maximum, np.minimum))
    spread, total = high - low, high + low
    slope = 60 / np.where(spread > 0, spread, 1)
    hue = np.where(high == green, 120 + (blue - red) * slope, 240 + (red - green) * slope)
    hue = np.where(high == red, (green - blue) * slope, hue)
    rest = np.minimum(total, 2 - total)
    return _wrapped(hue, 360), total / 2, spread / np.where(rest > 0, rest, 1)


def hls_to_rgb(hue: np.ndarray, lightness: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """The inverse of `rgb_to_hls`: RGB planes in 0 to 1, (3, ...)."""
    reach = saturation * np.minimum(lightness, 1 - lightness)
    colors = np.empty((3, *hue.shape), dtype=hue.dtype)
    for plane, offset in zip(colors, (0, 8, 4)):
        place = _wrapped(hue / 30 + (offset - 12), 12)
        np.subtract(lightness, reach * np.clip(np.minimum(place - 3, 9 - place), -1, 1), out=plane)
    return colors


def _wrapped(values: np.ndarray, circle: float) -> np.ndarray:
    """Values in -circle to 2 * circle -> values in 0 to circle; np.mod is many times slower."""
    values = np.where(values < 0, values + circle, values)
    return np.where(values >= circle, values - circle, values)


def _luminance(colors: np.ndarray) -> np.ndarray:
    """(batch, height, width, 1)."""
    return colors if colors.shape[-1] == 1 else (colors @ _LUMINANCE)[..., None]


def _to_bytes(colors: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(colors), 0, 255).astype(np.uint8)


def _normal(numbers: np.ndarray) -> np.ndarray:
    """Pairs of uniform numbers -> pairs of standard normal ones (Box and Muller)."""
    radius = np.sqrt(-2 * np.log1p(-numbers[:, 0::2]))
    angle = 2 * np.pi * numbers[:, 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
