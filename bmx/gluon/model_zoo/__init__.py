"""Architectures from the papers, one file each, built by name with `get_model`."""

from bmx.gluon.model_zoo import (  # noqa: F401  their constructors register themselves
    abc_net,
    binarydensenet,
    birealnet,
    bmxnet_resnet,
    bnext,
    bnn,
    boolnet,
    dorefanet,
    groupnet,
    horq,
    meliusnet,
    mobilenet,
    quicknet,
    reactnet,
    real_to_binary,
    resnete,
    selfbin,
    small,
    wrpn,
    xnor_net,
)
from bmx.gluon.model_zoo.bmxnet_checkpoints import load_bmxnet
from bmx.gluon.model_zoo.bmxnet_checkpoints_net import import_bmxnet
from bmx.gluon.model_zoo.gluoncv_names import GluonCVNames, register_in_gluoncv
from bmx.gluon.model_zoo.lenet import lenet
from bmx.gluon.model_zoo.registry import get_model, input_shape, list_models, register

__all__ = [
    "GluonCVNames",
    "get_model",
    "import_bmxnet",
    "input_shape",
    "lenet",
    "list_models",
    "load_bmxnet",
    "register",
    "register_in_gluoncv",
]
