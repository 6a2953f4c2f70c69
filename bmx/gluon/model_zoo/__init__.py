"""Architectures from the papers, one file each, built by name with `get_model`."""

from bmx.gluon.model_zoo.lenet import lenet
from bmx.gluon.model_zoo.registry import get_model, list_models, register

__all__ = ["get_model", "lenet", "list_models", "register"]
