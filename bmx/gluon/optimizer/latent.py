"""Latent weights: real numbers whose signs are the binary weights."""

from __future__ import annotations

import math
from typing import Any, Iterator

import mxnet as mx
from mxnet import gluon

from bmx.gluon.arguments import require
from bmx.gluon.optimizer.power_of_two import nearest_power_of_two


def is_binary(parameter: gluon.Parameter) -> bool:
    """Whether a Parameter holds latent weights: binary layers mark theirs."""
    return bool(getattr(parameter, "binary", False))


def binary_parameters(params: Any) -> Iterator[Any]:
    """The latent weights among ``params``: a ParameterDict, a dict or a list of Parameters."""
    return filter(is_binary, params.values() if hasattr(params, "values") else params)


def clip_array(weight: mx.nd.NDArray, limit: float) -> None:
    """Clip an NDArray to [-limit, limit], in place."""
    weight[:] = weight.clip(-limit, limit)


def center_array(weight: mx.nd.NDArray) -> None:
    """Subtract from an NDArray [outputs, inputs, ...] the mean over its inputs, in place."""
    weight[:] = weight - weight.mean(axis=1, keepdims=True)


def clip_latent_weights(params: Any, limit: float = 1.0) -> None:
    """Clip latent weights to [-limit, limit], in place.

    Far from 0 the clipped straight-through estimator gives a weight no gradient, and it would never change
    its sign again. `BinaryTrainer` does this after each step.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830, algorithm 1.

    Args:
        params: ParameterDict, dict or list of initialized Parameters; others than latent weights stay.
        limit: largest magnitude, above 0.

    Raises:
        ValueError: if ``limit`` is not above 0.
    """
    require("optimizer.clip_latent_weights", "limit", limit, limit > 0, "> 0")
    for parameter in binary_parameters(params):
        for data in parameter.list_data():
            clip_array(data, limit)


def center_latent_weights(params: Any) -> None:
    """Subtract from latent weights [outputs, inputs, ...] their mean over the input channels, in place.

    XNOR-Net does this, and then clips, before each forward pass. `BinaryTrainer` does it after each step, so
    call this function once before training.

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279, in the authors' code.

    Args:
        params: ParameterDict, dict or list of initialized Parameters; others than latent weights stay.
    """
    for parameter in binary_parameters(params):
        for data in parameter.list_data():
            center_array(data)


def glorot_scales(params: Any, power_of_two: bool = False) -> dict[str, float]:
    """Reciprocals of Glorot's initial weights, by which BNN multiplies the steps of latent weights.

    The scale of a weight [outputs, inputs, kernel...], with fans counted over the taps of the kernel, is

        1 / sqrt(1.5 / (fan_in + fan_out))

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830, in the authors' code.

    Args:
        params: ParameterDict, dict or list of Parameters; others than latent weights are left out.
        power_of_two: whether to round each scale to `nearest_power_of_two`, as the authors' CIFAR-10 model
            does.

    Returns:
        The scale of each latent weight, by the name of its parameter.

    Raises:
        ValueError: if a shape is not known yet.
    """
    scales = {}
    for parameter in binary_parameters(params):
        shape = parameter.shape
        if shape is None or len(shape) < 2 or min(shape) < 1:
            raise ValueError(
                "bmx.gluon.optimizer.glorot_scales: expected a shape [outputs, inputs, ...] of "
                f"{parameter.name}, found {shape}; if it is not known yet, call the net once."
            )
        fans = (shape[0] + shape[1]) * math.prod(shape[2:])
        scale = math.sqrt(fans / 1.5)
        scales[parameter.name] = nearest_power_of_two(scale) if power_of_two else scale
    return scales


def scale_learning_rates(params: Any, power_of_two: bool = False) -> None:
    """Set ``lr_mult`` of each latent weight to its scale among `glorot_scales`, with the same arguments."""
    scales = glorot_scales(params, power_of_two)
    for parameter in binary_parameters(params):
        parameter.lr_mult = scales[parameter.name]
