"""LeNet's layers, in BMXNet's order and sizes."""

from __future__ import annotations

import json

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon.model_zoo import lenet

CLASSES = 10
SIZES = {  # conv 5x5 with bias, conv 5x5, dense, dense with bias
    "conv0": 64 * 25 + 64,
    "conv1": 64 * 64 * 25,
    "dense0": 1000 * 64 * 4 * 4,
    "dense1": CLASSES * 1000 + CLASSES,
}
BATCH_NORM = 4 * (64 + 64 + 1000)


def initialized(binary: bool) -> mx.gluon.HybridBlock:
    mx.random.seed(0)
    net = lenet(CLASSES, binary=binary)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 28, 28)))
    return net


@pytest.mark.parametrize("binary", [False, True])
def test_parameter_count(binary: bool) -> None:
    shapes = [parameter.shape for parameter in initialized(binary).collect_params().values()]
    assert sum(int(np.prod(shape)) for shape in shapes) == sum(SIZES.values()) + BATCH_NORM


def test_the_two_middle_layers_use_only_signs_of_their_weights() -> None:
    net = initialized(binary=True)
    images = mx.nd.random.normal(shape=(3, 1, 28, 28))
    before = net(images).asnumpy()
    weights = {name: parameter for name, parameter in net.collect_params(".*weight").items()}
    changed = {}
    for name, parameter in weights.items():
        original = parameter.data().copy()
        parameter.set_data(original * mx.nd.random.uniform(0.5, 2, original.shape))
        changed[name] = bool((net(images).asnumpy() != before).any())
        parameter.set_data(original)
    assert list(changed.values()) == [True, False, False, True]


def test_the_float_net_has_no_sign() -> None:
    net = initialized(binary=False)
    symbol = net(mx.sym.var("data"))
    operators = [node["op"] for node in json.loads(symbol.tojson())["nodes"]]
    assert [op for op in operators if op not in ("null", "Flatten")] == [
        "Convolution",
        "Activation",
        "Pooling",
        "BatchNorm",
        "Activation",
        "Convolution",
        "BatchNorm",
        "Pooling",
        "Activation",
        "FullyConnected",
        "BatchNorm",
        "Activation",
        "FullyConnected",
    ]
