"""Architectures from the papers, one file each, built by name with `get_model`."""

import sys

from bmx.discovery import import_modules, keep_old_names

# Each architecture registers its names.
import_modules(sys.modules[__name__])

from bmx.gluon.bmxnet import import_bmxnet, load_bmxnet
from bmx.gluon.model_zoo.lenet import lenet
from bmx.gluon.model_zoo.registry import get_model, input_shape, list_models, register
from bmx.gluon.model_zoo.support.gluoncv_names import GluonCVNames, register_in_gluoncv
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published

keep_old_names(
    __name__,
    {
        "bmxnet_checkpoints": "bmx.gluon.bmxnet.checkpoint",
        "classifier": "bmx.gluon.model_zoo.support.classifier",
        "dense_connections": "bmx.gluon.model_zoo.support.dense_connections",
        "gluoncv_names": "bmx.gluon.model_zoo.support.gluoncv_names",
        "pretrained": "bmx.gluon.model_zoo.support.pretrained",
        "residual": "bmx.gluon.model_zoo.support.residual",
    },
)

__all__ = [
    "Case",
    "Counts",
    "GluonCVNames",
    "Paper",
    "Published",
    "get_model",
    "import_bmxnet",
    "input_shape",
    "lenet",
    "list_models",
    "load_bmxnet",
    "register",
    "register_in_gluoncv",
]
