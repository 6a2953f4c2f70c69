"""How a value of BMXNet's net depends on that of ours: by a factor and an offset for each channel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmx.gluon.model_zoo.bmxnet_checkpoints_layers import Layer

# Output ranges of unscaled binary layers: (a, b) of a * dot + b * K.
RANGES = {"popcount": (0.5, 0.5), "half": (0.5, 0.0), "dot": (1.0, 0.0)}


class Affine(NamedTuple):
    """BMXNet's value = scale * ours + shift.

    Attributes:
        scale: positive, float64 [channels], or [1] for all channels.
        shift: likewise.
        layer: the binary layer that it comes from, for messages; None where both values are the same.
    """

    scale: np.ndarray
    shift: np.ndarray
    layer: str | None = None

    @property
    def is_identity(self) -> bool:
        """Both nets have the same value."""
        return bool(np.all(self.scale == 1) and np.all(self.shift == 0))


SAME = Affine(np.ones(1), np.zeros(1))


def binary_output(layer: Layer, weight: np.ndarray, stored_range: str) -> Affine:
    """The relation of a binary layer's outputs, the checkpoint's biases being divided by its scale."""
    settings = layer.block.settings
    if settings.scaling is not None:
        return SAME
    taps = float(np.prod(weight.shape[1:]))
    own_scale, own_shift = RANGES[settings.output_range]
    scale, shift = RANGES[stored_range]
    # dot = (ours - own_shift * K) / own_scale
    factor = scale / own_scale
    result = Affine(np.array([factor]), np.array([(shift - factor * own_shift) * taps]), layer.name)
    if not result.is_identity and layer.block.act is not None:
        raise ValueError(
            f"load_bmxnet: {layer.title} has an activation, which BMXNet's binary layers have not; "
            "put it behind the batch norm"
        )
    return SAME if result.is_identity else result


def joined(parts: list[Affine], channels: list[int | None]) -> Affine | None:
    """The relation of a concatenation along the channels; None if the number of channels is not known."""
    first = parts[0]
    if all(_equal(part, first) for part in parts) and len(first.scale) == 1:
        return first
    counts = [count for count in channels if count is not None]
    if len(counts) < len(parts):
        return None
    scale = np.concatenate([np.broadcast_to(part.scale, count) for part, count in zip(parts, counts)])
    shift = np.concatenate([np.broadcast_to(part.shift, count) for part, count in zip(parts, counts)])
    return Affine(scale, shift, next((part.layer for part in parts if part.layer), None))


def added(x: Affine, y: Affine) -> Affine | None:
    """The relation of a sum; None if that of one is not that of the other."""
    if np.all(x.scale == y.scale):
        return Affine(x.scale, x.shift + y.shift, x.layer or y.layer)
    return None


def _equal(x: Affine, y: Affine) -> bool:
    return np.array_equal(x.scale, y.scale) and np.array_equal(x.shift, y.shift)
