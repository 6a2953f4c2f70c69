"""Nets, and packed files of theirs that are changed in one place."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock, nn

from bmx.compiler import fileformat


def sequential(*layers: HybridBlock) -> nn.HybridSequential:
    net = nn.HybridSequential()
    net.add(*layers)
    return net


def initialize(net: HybridBlock, *shapes: tuple, seed: int = 0) -> HybridBlock:
    """Random weights and batch norms of both directions."""
    mx.random.seed(seed)
    random = np.random.RandomState(seed)
    net.initialize(mx.init.Normal(0.5))
    net(*map(mx.nd.zeros, shapes))
    for name, parameter in net.collect_params().items():
        if name.endswith("gamma"):
            parameter.set_data(mx.nd.array(random.choice([1, 0.3, -1.7], parameter.shape)))
        elif name.endswith(("running_mean", "beta", "bias")):
            parameter.set_data(mx.nd.array(random.standard_normal(parameter.shape)))
        elif name.endswith("running_var"):
            parameter.set_data(mx.nd.array(random.uniform(0.5, 2, parameter.shape)))
    return net


def changed(content: bytes, name: str) -> bytes:
    """The file with the constants of one node moved a little, or bits turned around."""

    def change(role: str, array: np.ndarray) -> np.ndarray:
        if array.dtype == np.int8 or array.dtype == np.bool_:
            turned = array.copy()
            turned.reshape(-1)[0] = (
                -turned.reshape(-1)[0] if array.dtype == np.int8 else ~turned.reshape(-1)[0]
            )
            return turned
        return array + array.dtype.type(1 if array.dtype == np.int32 else 0.05)

    graph = fileformat.read(content)
    node = graph.producers()[name]
    graph.replace_node(name, node.with_constants(**{k: change(k, v) for k, v in node.constants.items()}))
    return fileformat.to_bytes(graph)
