"""Optimizers for binary networks, next to those of MXNet.

Importing this package makes ``bop``, ``radam`` and ``shift_adamax`` known to ``gluon.Trainer``.
"""

from bmx.gluon.optimizer.bop import Bop
from bmx.gluon.optimizer.latent import (
    binary_parameters,
    center_latent_weights,
    clip_latent_weights,
    glorot_scales,
    is_binary,
    scale_learning_rates,
)
from bmx.gluon.optimizer.power_of_two import nearest_power_of_two
from bmx.gluon.optimizer.radam import RAdam
from bmx.gluon.optimizer.shift_adamax import ShiftAdaMax
from bmx.gluon.optimizer.split import SplitOptimizer
from bmx.gluon.optimizer.trainer import BinaryTrainer

__all__ = [
    "BinaryTrainer",
    "Bop",
    "RAdam",
    "ShiftAdaMax",
    "SplitOptimizer",
    "binary_parameters",
    "center_latent_weights",
    "clip_latent_weights",
    "glorot_scales",
    "is_binary",
    "nearest_power_of_two",
    "scale_learning_rates",
]
