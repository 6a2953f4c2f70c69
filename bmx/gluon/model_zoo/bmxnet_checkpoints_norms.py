"""Batch norms whose input has another range than the checkpoint's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmx.gluon.model_zoo.bmxnet_checkpoints_layers import Layer, Values
from bmx.gluon.model_zoo.bmxnet_checkpoints_ranges import Affine


class StoredNorm(NamedTuple):
    """Arguments of a batch norm.

    Attributes:
        epsilon: added to the variance.
        fixed_gamma: gamma counts as 1, whatever its value is (Gluon's ``scale=False``).
    """

    epsilon: float
    fixed_gamma: bool


def carry_norm(layer: Layer, values: Values, x: Affine, stored: StoredNorm, own: StoredNorm) -> None:
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
