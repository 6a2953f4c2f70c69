"""Augmentations by name. `low`, `medium` and `high` are BMXNet-v2's levels.

| level | small images (CIFAR-10) | large images (ImageNet) |
|---|---|---|
| `low` | padded by an eighth, cut at random, mirrored | shorter side resized, cut at random, mirrored |
| `medium` | and hue, lightness, saturation changed | a random part resized (area 0.08 to 1), mirrored |
| `high` | and rotated, sheared, stretched | and brightness, contrast, saturation, lighting changed |

For CIFAR-10 the trainer of BMXNet-v2 has `low` only; `medium` and `high` are those of its older trainer.
"""

from __future__ import annotations

import math

from bmx.gluon.data.augment.affine import Affine
from bmx.gluon.data.augment.augmentation import Augmentation, Compose
from bmx.gluon.data.augment.colors import ColorJitter, HueLightnessSaturation, PCANoise
from bmx.gluon.data.augment.crops import Crop, Mirror, PaddedCrop, random_shift
from bmx.gluon.data.augment.resizing import CenterCrop, RandomResizedCrop, ResizeShorter

LEVELS = ("none", "shift", "low", "medium", "high")
_SMALL = 96  # pixels; images up to this size are used whole
_CROP_RATIO = 0.875  # ImageNet's usual: 224 of 256


def get_augmentation(level: str, size: int = 32) -> Augmentation | None:
    """The augmentation of this name.

    Args:
        level: `"none"`; `"shift"`: moves by up to a fourteenth of the size, without mirroring, which suits
            digits; or a level of the table above.
        size: height and width of the result, pixels; small images (up to 96) must come in this size.

    Returns:
        The augmentation; None for `"none"`.

    Raises:
        ValueError: there is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"augmentation: expected one of {', '.join(LEVELS)}, found {level!r}")
    if level == "none":
        return None
    if level == "shift":
        return random_shift(max(1, size // 14))
    return Compose(*(_small(level, size) if size <= _SMALL else _large(level, size)))


def center_view(size: int) -> Augmentation:
    """The view of a large image for evaluation: shorter side resized to size / 0.875, middle cut out."""
    return Compose(ResizeShorter(resized_side(size)), CenterCrop(size))


def resized_side(size: int) -> int:
    """Shorter side of the image that a window of this size is cut out of: 256 for 224."""
    return math.ceil(size / _CROP_RATIO)


def _small(level: str, size: int) -> list[Augmentation]:
    steps: list[Augmentation] = [PaddedCrop(max(1, size // 8)), Mirror()]
    if level in ("medium", "high"):
        steps.append(HueLightnessSaturation(36, 50, 50))
    if level == "high":
        steps.append(Affine(10, 0.1, 0.25))
    return steps


def _large(level: str, size: int) -> list[Augmentation]:
    if level == "low":
        return [ResizeShorter(resized_side(size)), Crop(size), Mirror()]
    steps: list[Augmentation] = [RandomResizedCrop(size), Mirror()]
    if level == "high":
        steps += [ColorJitter(0.4, 0.4, 0.4), PCANoise(0.1)]
    return steps
