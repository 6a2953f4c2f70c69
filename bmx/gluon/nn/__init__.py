"""Binary layers, their quantizers and their configuration."""

from bmx.gluon.nn import blocks, quantizers
from bmx.gluon.nn.activation import QActivation
from bmx.gluon.nn.binary_batch_norm import BinaryBatchNorm, Flips
from bmx.gluon.nn.config import Config, current_config, defaults
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.dense import QDense
from bmx.gluon.nn.horq import HORQConv2D
from bmx.gluon.nn.lowerings import current_lowering, fastest_lowering, lowering
from bmx.gluon.nn.prelu import PReLU, RPReLU
from bmx.gluon.nn.quantizers import *  # noqa: F403  what `quantizers.__all__` names
from bmx.gluon.nn.shift_batch_norm import ShiftBatchNorm

__all__ = [
    "BinaryBatchNorm",
    "Config",
    "Flips",
    "HORQConv2D",
    "PReLU",
    "QActivation",
    "QConv2D",
    "QDense",
    "RPReLU",
    "ShiftBatchNorm",
    "blocks",
    "current_config",
    "current_lowering",
    "defaults",
    "fastest_lowering",
    "lowering",
]
__all__ += quantizers.__all__
