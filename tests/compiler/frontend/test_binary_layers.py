"""Nets recorded in the native lowering compile to what the operator lowering gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

from bmx import compiler
from bmx.compiler.frontend.binary_layers import recognize_binary_layers
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.gluon import library, symbol_json
from bmx.gluon.nn import DetSign, QActivation, QConv2D, QDense, lowering

pytestmark = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

SHAPE = (2, 3, 11, 10)


def save(net: HybridBlock, folder: Path, kind: str = "native", shape: tuple = SHAPE) -> tuple[str, str]:
    """The files of a net that was hybridized in a lowering; its weights are random."""
    net.initialize(mx.init.Normal(0.5))
    with lowering(kind):
        net.hybridize()
        net(mx.nd.random.normal(shape=shape))
    net.export(str(folder / kind))
    return str(folder / f"{kind}-symbol.json"), str(folder / f"{kind}-0000.params")


def description(graph: Graph) -> list:
    """All of a graph but the names."""
    place = {name: i for i, name in enumerate([v.name for v in graph.inputs] + [n.name for n in graph.nodes])}
    return [
        (
            node.op,
            [place[value] for value in node.inputs],
            node.attrs,
            {role: (array.dtype.str, array.tolist()) for role, array in node.constants.items()},
        )
        for node in graph.nodes
    ]


def sequential(*layers: HybridBlock) -> nn.HybridSequential:
    net = nn.HybridSequential()
    net.add(*layers)
    return net


NETS = {
    "padding": lambda: [QConv2D(5, 3, padding=(1, 2), pad_value=pad) for pad in (0, 1, -1)],
    "bias": lambda: [QConv2D(5, 3, use_bias=True), nn.BatchNorm(), QConv2D(4, 1, use_bias=False)],
    "popcount": lambda: [
        QConv2D(5, 3, output_range="popcount"),
        nn.BatchNorm(),
        QDense(7, output_range="popcount", use_bias=False),
        QDense(3, output_range="popcount"),
    ],
    "geometry": lambda: [
        QConv2D(6, (3, 2), strides=(2, 1), dilation=(1, 2), groups=3, pad_value=1, padding=1)
    ],
    "clips": lambda: [
        QActivation(DetSign(clip=None)),
        nn.MaxPool2D(2, 1),
        QConv2D(5, 3, input_quantizer=None, weight_quantizer=DetSign(clip=1.3)),
        nn.Activation("relu"),
        QActivation(),
        nn.Flatten(),
        QDense(4, input_quantizer=None, activation="tanh"),
    ],
}


@pytest.mark.parametrize("name", NETS)
def test_both_lowerings_compile_to_the_same_graph(name: str, tmp_path: Path) -> None:
    mx.random.seed(sorted(NETS).index(name))
    net = sequential(*NETS[name](), nn.Dense(3))
    graph = compiler.compile(save(net, tmp_path), SHAPE)
    expected = compiler.compile(net, SHAPE)
    assert any(node.op.startswith("binary") for node in expected.nodes)
    assert description(graph) == description(expected)


def test_a_sign_with_two_readers_stays_one_node(tmp_path: Path) -> None:
    class Shared(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.sign = QActivation()
            self.left = QConv2D(4, 3, input_quantizer=None)
            self.right = QConv2D(4, 3, input_quantizer=None, use_bias=False)

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            bits = self.sign(x)
            return self.left(bits) + self.right(bits)

    net = Shared()
    graph = compiler.compile(save(net, tmp_path), SHAPE)
    assert description(graph) == description(compiler.compile(net, SHAPE))
    assert [node.op for node in graph.nodes].count("threshold") == 1


def recorded(build: Any) -> dict[str, Any]:
    return symbol_json.from_symbol(build(mx.sym.var("x")))


def ops(symbol: dict[str, Any]) -> list[str]:
    return [node["op"] for node in symbol["nodes"]]


def sign(x: Any, below: float = 0, minus: float = 1, times: float = 2) -> Any:
    """-1 where x < 0, otherwise +1; or something like it, with other numbers."""
    return minus - times * (x < below)


def test_a_sign_is_recognized_by_its_structure() -> None:
    symbol, _ = recognize_binary_layers(recorded(sign), {})
    assert ops(symbol) == ["null", "QActivation"]
    assert symbol["nodes"][1]["attrs"] == {"method": "det_sign"}
    mx.sym.load_json(json.dumps(symbol))


@pytest.mark.parametrize("other", [{"below": 0.5}, {"minus": 2}, {"times": 1}], ids=str)
def test_what_only_looks_like_a_sign_stays(other: dict) -> None:
    before = recorded(lambda x: sign(x, **other))
    assert ops(recognize_binary_layers(before, {})[0]) == ops(before)


WEIGHT = np.where(np.arange(2 * 3 * 3 * 3).reshape(2, 3, 3, 3) % 5 < 2, -1, 1).astype(np.float32)


def convolution(source: Any, **options: Any) -> Any:
    return mx.sym.Convolution(source, mx.sym.var("w"), kernel=(3, 3), num_filter=2, no_bias=True, **options)


@pytest.mark.parametrize(
    ("source", "weight", "is_binary"),
    [
        (sign, WEIGHT, True),
        (sign, WEIGHT * 2, False),
        (lambda x: x, WEIGHT, False),
        (lambda x: mx.sym.Pooling(sign(x), kernel=(2, 2), pool_type="max"), WEIGHT, True),
        (lambda x: mx.sym.Dropout(mx.sym.BlockGrad(sign(x))), WEIGHT, True),
        (lambda x: mx.sym.Pooling(sign(x), kernel=(2, 2), pool_type="avg"), WEIGHT, False),
        (lambda x: mx.sym.relu(sign(x)), WEIGHT, False),
    ],
    ids=["signs", "other weights", "real input", "pooled", "copied", "averaged", "activated"],
)
def test_a_layer_of_signs_is_binary(source: Any, weight: np.ndarray, is_binary: bool) -> None:
    symbol, _ = recognize_binary_layers(recorded(lambda x: convolution(source(x))), {"w": weight})
    assert ("QConvolution" in ops(symbol)) == is_binary
    assert ("Convolution" in ops(symbol)) != is_binary


def test_padding_with_signs_is_the_layers_own() -> None:
    def net(x: Any) -> Any:
        padded = mx.sym.pad(sign(x), mode="constant", pad_width=(0, 0, 0, 0, 1, 1, 2, 2), constant_value=-1)
        return convolution(padded)

    symbol, _ = recognize_binary_layers(recorded(net), {"w": WEIGHT})
    assert ops(symbol) == ["null", "QActivation", "null", "QConvolution"]
    attrs = symbol["nodes"][-1]["attrs"]
    assert (attrs["pad"], attrs["pad_value"], attrs["weight_quantizer"]) == ("(1, 2)", "-1", "none")


@pytest.mark.parametrize("use_bias", [False, True])
def test_a_layer_whose_weight_is_computed_to_signs(use_bias: bool) -> None:
    """The sign of a latent weight that is computed is +-1 after folding; so the layer is binary."""

    class Shifted(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.weight = self.params.get("weight", shape=(4, 6), init="normal")
            self.bias = self.params.get("bias", shape=(4,), init="normal")

        def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:
            codes = 1 - 2 * (F.broadcast_sub(weight, F.mean(weight)) < 0)
            options = {"num_hidden": 4, "no_bias": not use_bias}
            return F.FullyConnected(1 - 2 * (x < 0), codes, *([bias] if use_bias else []), **options)

    net = Shifted()
    net.initialize(mx.init.Normal(0.5))
    graph = compiler.compile(net, (2, 6))
    assert [node.op for node in graph.nodes] == [
        "threshold",
        "binary_dense",
        "affine" if use_bias else "cast",
    ]
    x = np.random.RandomState(0).standard_normal((5, 6)).astype(np.float32)
    expected = net(mx.nd.array(x)).asnumpy()
    np.testing.assert_allclose(evaluate(graph, {"data": x})[0], expected, rtol=1e-6)


def test_a_real_weight_reads_signs_as_numbers(tmp_path: Path) -> None:
    """A quantizer of one's own, whose weights are no signs."""

    class Soft(DetSign):
        method = None

        def __call__(self, F: Any, x: Any) -> Any:
            return F.where(F.abs(x) <= 1, x, F.sign(x))

        codes = __call__

    net = sequential(QDense(4, weight_quantizer=Soft(), use_bias=False, in_units=6))
    graph = compiler.compile(save(net, tmp_path, shape=(2, 6)), (2, 6))
    x = np.random.RandomState(0).standard_normal((5, 6)).astype(np.float32)
    np.testing.assert_allclose(evaluate(graph, {"data": x})[0], net(mx.nd.array(x)).asnumpy(), rtol=1e-5)
