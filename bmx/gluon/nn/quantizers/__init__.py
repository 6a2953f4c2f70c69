"""Quantizers: what binarizes weights and activations, and how gradients pass through it.

A quantizer, or a family, is one module here: importing the package finds it, and `register` makes its name
known. ``bmx.gluon.nn`` offers every name below as well.
"""

import sys

from bmx.discovery import import_modules
from bmx.gluon.nn.quantizers.abc_net import ABCActivation, ABCWeight
from bmx.gluon.nn.quantizers.base import Base, Learned, Quantizer, Term, arguments_of, quantizers_of
from bmx.gluon.nn.quantizers.calibration import calibrate
from bmx.gluon.nn.quantizers.heaviside import SteHeaviside
from bmx.gluon.nn.quantizers.horq import HORQ
from bmx.gluon.nn.quantizers.lsq import LSQ, LSQWeight
from bmx.gluon.nn.quantizers.real import Identity
from bmx.gluon.nn.quantizers.registry import (
    get_quantizer,
    list_quantizers,
    quantizer_class,
    register,
)
from bmx.gluon.nn.quantizers.shaped_sign import (
    ApproxSign,
    FourierSign,
    LeakySign,
    LeakyTanhSign,
    SwishSign,
)
from bmx.gluon.nn.quantizers.shifted_sign import RSign
from bmx.gluon.nn.quantizers.sign import DetSign, SignQuantizer
from bmx.gluon.nn.quantizers.soft_sign import ProgressiveSign, TanhSign
from bmx.gluon.nn.quantizers.stochastic_sign import StochasticSign
from bmx.gluon.nn.quantizers.uniform import DoReFa, DoReFaWeight, Pixels
from bmx.gluon.nn.quantizers.wrpn import WrpnWeight

import_modules(sys.modules[__name__])

__all__ = [
    "HORQ",
    "LSQ",
    "ABCActivation",
    "ABCWeight",
    "ApproxSign",
    "Base",
    "DetSign",
    "DoReFa",
    "DoReFaWeight",
    "FourierSign",
    "Identity",
    "LSQWeight",
    "LeakySign",
    "LeakyTanhSign",
    "Learned",
    "Pixels",
    "ProgressiveSign",
    "Quantizer",
    "RSign",
    "SignQuantizer",
    "SteHeaviside",
    "StochasticSign",
    "SwishSign",
    "TanhSign",
    "Term",
    "WrpnWeight",
    "arguments_of",
    "calibrate",
    "get_quantizer",
    "list_quantizers",
    "quantizer_class",
    "quantizers_of",
    "register",
]
