"""Binary layers and what configures them."""

from bmx.gluon.nn.activation import QActivation
from bmx.gluon.nn.config import Config, current_config, defaults
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.dense import QDense
from bmx.gluon.nn.lowerings import current_lowering, lowering
from bmx.gluon.nn.quantizers import (
    Base,
    DetSign,
    DoReFa,
    DoReFaWeight,
    Identity,
    Learned,
    Quantizer,
    SignQuantizer,
    get_quantizer,
    list_quantizers,
    quantizers_of,
    register,
)

__all__ = [
    "Base",
    "Config",
    "DetSign",
    "DoReFa",
    "DoReFaWeight",
    "Identity",
    "Learned",
    "QActivation",
    "QConv2D",
    "QDense",
    "Quantizer",
    "SignQuantizer",
    "current_config",
    "current_lowering",
    "defaults",
    "get_quantizer",
    "list_quantizers",
    "lowering",
    "quantizers_of",
    "register",
]
