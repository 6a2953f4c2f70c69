"""Compiles nets, runs them as MXNet, evaluator and packed file, and compares."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock, nn

from bmx import compiler, runtime
from bmx.compiler.backend import fileformat
from bmx.compiler.frontend.trace import trace_net
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph

IMAGE = (3, 4, 6, 8)


def initialize(net: HybridBlock, shape: tuple) -> None:
    """Random weights, and batch norms with statistics of their own."""
    mx.random.seed(0)
    random = np.random.RandomState(0)
    net.initialize(mx.init.Normal(0.5))
    net(mx.nd.zeros(shape))
    for name, parameter in net.collect_params().items():
        if name.endswith(("gamma", "running_var")):
            parameter.set_data(mx.nd.array(random.uniform(0.5, 1.5, parameter.shape)))
        elif name.endswith(("beta", "running_mean", "bias")):
            parameter.set_data(mx.nd.array(random.uniform(-0.5, 0.5, parameter.shape)))


def check(net: Any, shape: tuple, exact: bool = False) -> list[str]:
    """The traced graph, the compiled one and the packed file on every ISA answer as MXNet.

    Args:
        net: a block, or a function of F and x.
        shape: shape of the input.
        exact: whether the answers are equal.

    Returns:
        The compiled graph's operators, without the transposes where images enter and leave.
    """
    net = net if isinstance(net, HybridBlock) else nn.HybridLambda(net)
    initialize(net, shape)
    x = np.random.RandomState(1).standard_normal(shape).astype(np.float32)
    expected = net(mx.nd.array(x))
    expected = [y.asnumpy() for y in (expected if isinstance(expected, (list, tuple)) else [expected])]
    traced, compiled = trace_net(net, shape), compiler.compile(net, shape)
    content = fileformat.to_bytes(compiled)
    answers = [evaluate(graph, {"data": x}) for graph in (traced, compiled, fileformat.read(content))]
    answers += [runtime.Model(content, isa).session().run(x) for isa in runtime.isas()]
    for answer in answers:
        assert len(answer) == len(expected)
        for actual, y in zip(answer, expected):
            if exact:
                np.testing.assert_array_equal(actual, y)
            else:
                np.testing.assert_allclose(actual, y, rtol=1e-4, atol=1e-5 * float(np.abs(y).max()))
    return inner_operators(compiled)


def inner_operators(graph: Graph) -> list[str]:
    edges = {value.name for value in graph.inputs}
    return [
        node.op
        for node in graph.nodes
        if node.op != "transpose" or not (node.inputs[0] in edges or node.name in graph.outputs)
    ]


def shuffle(nd: Any, x: Any, groups: int) -> Any:
    x = nd.reshape(x, shape=(0, -4, groups, -1, -2))
    return nd.reshape(nd.swapaxes(x, 1, 2), shape=(0, -3, -2))
