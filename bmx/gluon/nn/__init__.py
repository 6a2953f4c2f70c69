"""Binary layers and what configures them."""

from bmx.gluon.nn.activation import QActivation
from bmx.gluon.nn.config import Config, current_config, defaults
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.dense import QDense
from bmx.gluon.nn.lowerings import current_lowering, lowering
from bmx.gluon.nn.quantizers import DetSign, Quantizer, get_quantizer, list_quantizers, register

__all__ = [
    "Config",
    "DetSign",
    "QActivation",
    "QConv2D",
    "QDense",
    "Quantizer",
    "current_config",
    "current_lowering",
    "defaults",
    "get_quantizer",
    "list_quantizers",
    "lowering",
    "register",
]
