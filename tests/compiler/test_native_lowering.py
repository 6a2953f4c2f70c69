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
from bmx.compiler.ir import Graph
from bmx.compiler.native_lowering import to_operator_lowering
from bmx.compiler.symbol import UnsupportedError
from bmx.gluon import library
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

        def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
            bits = self.sign(x)
            return self.left(bits) + self.right(bits)

    net = Shared()
    graph = compiler.compile(save(net, tmp_path), SHAPE)
    assert description(graph) == description(compiler.compile(net, SHAPE))
    assert [node.op for node in graph.nodes].count("threshold") == 1


def test_a_dot_product_with_two_readers_keeps_its_bias_outside(tmp_path: Path) -> None:
    """What is added to one reader's value may not reach the other's."""

    class Twice(HybridBlock):
        def __init__(self) -> None:
            super().__init__(prefix="twice0_")
            self.dense = QDense(4, use_bias=False)
            self.bias = self.params.get("bias", shape=(4,), init="ones")

        def hybrid_forward(self, F: Any, x: Any, bias: Any) -> Any:  # noqa: N803
            dot = self.dense(x)
            return F.broadcast_add(dot, bias), dot

    files = save(Twice(), tmp_path, shape=(2, 6))
    symbol = to_operator_lowering(json.loads(Path(files[0]).read_text()), {"twice0_bias": np.ones(4)})
    assert [node["op"] for node in symbol["nodes"]].count("broadcast_add") == 1
    layer = next(node for node in symbol["nodes"] if node["op"] == "QFullyConnected")
    assert len(layer["inputs"]) == 2


def recorded(build: Any) -> dict[str, Any]:
    return json.loads(build(mx.sym.var("x")).tojson())


def ops(symbol: dict[str, Any]) -> list[str]:
    return [node["op"] for node in symbol["nodes"]]


def sign(x: Any, below: float = 0, minus: float = 1, times: float = 2, kept: Any = None) -> Any:
    """What `DetSign` composes, with other numbers."""
    F = mx.sym  # noqa: N806
    finite = F.where(F.abs(x) <= 1.5, x if kept is None else kept, F.zeros_like(x))
    return F.BlockGrad(minus - times * (x < below)) + (finite - F.BlockGrad(finite))


def test_the_sign_is_recognised_by_its_structure() -> None:
    symbol = to_operator_lowering(recorded(sign), {})
    assert ops(symbol) == ["null", "QActivation"]
    assert symbol["nodes"][1]["attrs"] == {"method": "det_sign", "clip": "1.5"}
    assert symbol["heads"] == [[1, 0, 0]]
    mx.sym.load_json(json.dumps(symbol))


@pytest.mark.parametrize(
    "other",
    [
        lambda x: sign(x, below=0.5),
        lambda x: sign(x, minus=2),
        lambda x: sign(x, times=1),
        lambda x: sign(x, kept=-x),
    ],
    ids=["threshold", "offset", "scale", "gradient"],
)
def test_what_only_looks_like_a_sign_stays(other: Any) -> None:
    before = recorded(other)
    assert ops(to_operator_lowering(before, {})) == ops(before)


def test_what_is_added_to_a_sign_stays() -> None:
    symbol = to_operator_lowering(recorded(lambda x: sign(x) + (x - mx.sym.BlockGrad(x))), {})
    assert ops(symbol) == ["null", "QActivation", "BlockGrad", "elemwise_sub", "elemwise_add"]


def test_an_own_quantizer_gets_a_hint(tmp_path: Path) -> None:
    class Soft(DetSign):
        method = None

        def __call__(self, F: Any, x: Any) -> Any:  # noqa: N803
            return F.where(F.abs(x) <= 1, x, F.sign(x))

    net = sequential(QDense(4, weight_quantizer=Soft(), use_bias=False, in_units=6))
    files = save(net, tmp_path, shape=(2, 6))
    with pytest.raises(UnsupportedError, match=r"record the net in the operator lowering, 'with bmx\.gluon"):
        compiler.compile(files, (2, 6))
