"""What only training needs goes; what only looks like it stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from bmx import compiler
from bmx.compiler.frontend.binary_layers import recognize_binary_layers
from bmx.compiler.frontend.training_parts import drop_training_parts
from bmx.compiler.ir.evaluator import evaluate
from bmx.gluon import library, symbol_json

F = mx.sym


def left(build: Callable) -> list[str]:
    """The operators that are left of a symbol of x and p; it still computes the same."""
    before = build(mx.sym.var("x"))
    symbol, _ = drop_training_parts(symbol_json.from_symbol(before), {})
    after = mx.sym.load_json(json.dumps(symbol))
    values = {"x": np.random.RandomState(0).standard_normal((4, 3)), "p": np.array([[2.0]])}
    answers = [
        mx.nd.CachedOp(net)(*(mx.nd.array(values[name]) for name in net.list_inputs())).asnumpy()
        for net in (before, after)
    ]
    np.testing.assert_array_equal(*answers)
    return [node["op"] for node in symbol["nodes"] if node["op"] != "null"]


def straight_through(value: Any, surrogate: Any, swap: bool = False) -> Any:
    value, difference = F.BlockGrad(value), surrogate - F.BlockGrad(surrogate)
    return difference + value if swap else value + difference


SURROGATES = {
    "identity": lambda x: x,
    "clipped": lambda x: F.where(F.abs(x) <= 1, x, F.zeros_like(x)),
    "tanh": lambda x: F.tanh(x) * 3,
    "none": F.BlockGrad,
}


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("swap", [False, True])
def test_straight_through_gradients_go_whatever_they_are(surrogate: str, swap: bool) -> None:
    assert left(lambda x: F.relu(straight_through(F.round(x), SURROGATES[surrogate](x), swap))) == [
        *("round", "relu")
    ]


def test_the_output_may_be_one() -> None:
    assert left(lambda x: straight_through(F.round(x), x)) == ["round"]


def test_a_quantizer_of_a_quantizer() -> None:
    assert left(lambda x: straight_through(F.round(straight_through(F.abs(x), x) * 2), F.tanh(x))) == [
        *("abs", "_mul_scalar", "round")
    ]


@pytest.mark.parametrize(
    "other",
    [
        lambda x: F.relu(x) + (x - F.BlockGrad(x)),
        lambda x: F.BlockGrad(x) + (x - F.BlockGrad(F.relu(x))),
        lambda x: F.BlockGrad(x) + (F.BlockGrad(x) - x),
        lambda x: F.BlockGrad(x) - (x - F.BlockGrad(x)),
        lambda x: F.BlockGrad(x) + (x - x),
    ],
    ids=["real value", "other surrogate", "negative", "difference", "with gradient"],
)
def test_what_only_looks_like_a_straight_through_gradient_stays(other: Any) -> None:
    assert left(other) == [
        node["op"] for node in symbol_json.from_symbol(other(mx.sym.var("x")))["nodes"][1:]
    ]


def in_training(x: Any) -> Any:
    """As `bmx.gluon.nn.quantizers` asks it."""
    one = F.sum(F.zeros_like(x), keepdims=True) + 1
    return F.BlockGrad(F.broadcast_add(F.Dropout(one, p=0.5) != 1, F.zeros_like(x)))


def test_a_branch_for_training_goes_with_its_noise() -> None:
    noisy = lambda x: x + F.random.uniform_like(x)  # noqa: E731
    assert left(lambda x: F.relu(F.where(in_training(x), noisy(x), F.abs(x)))) == ["abs", "relu"]
    assert left(lambda x: F.where(F.broadcast_like(in_training(x), x) == 0, F.abs(x), noisy(x))) == ["abs"]


def test_a_branch_that_the_input_decides_stays() -> None:
    assert "where" in left(lambda x: F.where(F.zeros_like(x) + x, x, F.abs(x)))
    assert "where" in left(lambda x: F.where(x > 0, x, F.abs(x)))


def test_a_sum_with_zeros_is_the_other_value() -> None:
    assert left(lambda x: F.relu(x + F.zeros_like(x))) == ["relu"]
    assert left(lambda x: F.relu(F.zeros_like(x) + x)) == ["relu"]
    assert left(lambda x: x + F.ones_like(x)) == ["ones_like", "elemwise_add"]


@pytest.mark.parametrize("op", ["__add__", "__sub__", "__mul__", "__truediv__"])
def test_arithmetic_repeats_smaller_values_itself(op: str) -> None:
    p, name = mx.sym.var("p"), op.strip("_").replace("true", "")
    for repeat in (F.broadcast_like, lambda p, x: F.broadcast_add(p, F.zeros_like(x))):
        assert left(lambda x: getattr(x, op)(F.BlockGrad(repeat(p, x)))) == [f"broadcast_{name}"]  # noqa: B023
        assert left(lambda x: getattr(repeat(p, x), op)(x)) == [f"broadcast_{name}"]  # noqa: B023


def test_two_repeated_values_are_of_the_larger_shape() -> None:
    p = mx.sym.var("p")
    assert "elemwise_mul" in left(lambda x: F.broadcast_like(p, x) * F.broadcast_like(p, x))


@pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")
def test_a_saved_net_that_was_recorded_in_training(tmp_path: Path) -> None:
    class Quantized(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.weight = self.params.get("weight", shape=(4, 6))
            self.step = self.params.get("step", shape=(1, 1), init="ones")

        def hybrid_forward(self, F: Any, x: Any, weight: Any, step: Any) -> Any:
            codes = 1 - 2 * (F.where(in_training(x), x + F.random.uniform_like(x), x) < 0)
            x = straight_through(codes, F.tanh(x))
            weight = straight_through(F.round(weight / F.broadcast_like(step * 0.5, weight)), weight)
            return F.FullyConnected(x, weight, num_hidden=4, no_bias=True)

    net = Quantized()
    net.initialize(mx.init.Normal(1))
    net.hybridize()
    x = mx.nd.random.normal(shape=(5, 6))
    with mx.autograd.record():
        net(x)
    expected = net(x).asnumpy()
    net.export(str(tmp_path / "net"))
    graph = compiler.compile((str(tmp_path / "net-symbol.json"), str(tmp_path / "net-0000.params")), (1, 6))
    np.testing.assert_array_equal(evaluate(graph, {"data": x.asnumpy()})[0], expected)
    assert not {node.op for node in graph.nodes} & {"dense", "div", "affine"}


def test_signs_of_signs() -> None:
    x = mx.sym.var("x")
    first = straight_through(1 - 2 * (F.round(x) < 0), F.tanh(x))
    recorded = symbol_json.from_symbol(straight_through(1 - 2 * (first < 0), first))
    symbol, _ = recognize_binary_layers(*drop_training_parts(recorded, {}))
    assert [node["op"] for node in symbol["nodes"]] == ["null", "round", "QActivation", "QActivation"]
