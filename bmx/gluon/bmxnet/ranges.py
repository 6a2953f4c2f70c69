"""How a value of BMXNet's net depends on ours (a factor, an offset), and the norm that makes up for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmx.gluon.bmxnet.layers import Layer, Values
from bmx.gluon.bmxnet.symbol import NormArguments
from bmx.gluon.nn.layer import QuantizedLayer

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


def binary_output(layer: Layer, block: QuantizedLayer, weight: np.ndarray, stored_range: str) -> Affine:
    """The relation of a binary layer's outputs, the checkpoint's biases being divided by its scale."""
    settings = block.settings
    if settings.scaling is not None:
        return SAME
    taps = float(np.prod(weight.shape[1:]))
    own_scale, own_shift = RANGES[settings.output_range]
    scale, shift = RANGES[stored_range]
    # dot = (ours - own_shift * K) / own_scale
    factor = scale / own_scale
    result = Affine(np.array([factor]), np.array([(shift - factor * own_shift) * taps]), layer.name)
    if not result.is_identity and block.act is not None:
        raise ValueError(
            f"load_bmxnet: {layer.title} has an activation, which BMXNet's binary layers do not have; "
            "put it after the batch norm"
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
    """The relation of a sum; None where the two scales differ."""
    if np.all(x.scale == y.scale):
        return Affine(x.scale, x.shift + y.shift, x.layer or y.layer)
    return None


def _equal(x: Affine, y: Affine) -> bool:
    return np.array_equal(x.scale, y.scale) and np.array_equal(x.shift, y.shift)


def carry_norm(layer: Layer, values: Values, x: Affine, stored: NormArguments, own: NormArguments) -> None:
    """Change the statistics so that the net's norm of its x is the checkpoint's norm of a x + b.

    With (a x + b - mean) / sqrt(var + eps) = (x - (mean - b) / a) / sqrt((var + eps) / a^2), the net's
    variance is the last root's argument less the net's own epsilon. Where that is negative, it is 0, and
    gamma makes up for the rest.

    Raises:
        ValueError: gamma counts in one of the norms only, or cannot make up for epsilon.
    """
    gamma = values.array(layer, "gamma").astype(np.float64)
    if stored.fixed_gamma and not own.fixed_gamma:
        gamma = np.ones_like(gamma)
        values.set(layer, "gamma", gamma)
    if own.fixed_gamma and not stored.fixed_gamma and np.any(gamma != 1):
        raise ValueError(
            f"load_bmxnet: {layer.title} has scale=False, but the checkpoint's norm has a gamma; "
            "build the norm with scale=True"
        )
    if x.is_identity and stored.epsilon == own.epsilon:
        return
    mean = values.array(layer, "running_mean").astype(np.float64)
    squares = (values.array(layer, "running_var").astype(np.float64) + stored.epsilon) / x.scale**2
    if np.any(squares < own.epsilon):
        if own.fixed_gamma:
            raise ValueError(
                f"load_bmxnet: {layer.title} has scale=False and epsilon={own.epsilon:g}, more than the "
                "checkpoint's variances; build the norm with scale=True or a smaller epsilon"
            )
        values.set(layer, "gamma", gamma * np.sqrt(np.maximum(own.epsilon / squares, 1)))
    values.set(layer, "running_mean", (mean - x.shift) / x.scale)
    values.set(layer, "running_var", np.maximum(squares - own.epsilon, 0))
