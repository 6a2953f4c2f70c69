"""Quantizers: what binarizes weights and activations, and how gradients pass through it."""

from bmx.gluon.nn.quantizers.base import Base, Learned, Quantizer, quantizers_of
from bmx.gluon.nn.quantizers.real import Identity
from bmx.gluon.nn.quantizers.registry import (
    arguments_of,
    get_quantizer,
    list_quantizers,
    quantizer_class,
    register,
)
from bmx.gluon.nn.quantizers.sign import DetSign, SignQuantizer
from bmx.gluon.nn.quantizers.uniform import DoReFa, DoReFaWeight

__all__ = [
    "Base",
    "DetSign",
    "DoReFa",
    "DoReFaWeight",
    "Identity",
    "Learned",
    "Quantizer",
    "SignQuantizer",
    "arguments_of",
    "get_quantizer",
    "list_quantizers",
    "quantizer_class",
    "quantizers_of",
    "register",
]
