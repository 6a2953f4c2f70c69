"""Architectures from the papers, one file each, built by name with `get_model`."""

from bmx.gluon.model_zoo import (  # noqa: F401  their constructors register themselves
    binarydensenet,
    birealnet,
    bnext,
    meliusnet,
    quicknet,
    reactnet,
    real_to_binary,
    resnete,
)
from bmx.gluon.model_zoo.lenet import lenet
from bmx.gluon.model_zoo.registry import get_model, input_shape, list_models, register

__all__ = ["get_model", "input_shape", "lenet", "list_models", "register"]
