"""What is computed from parameters alone becomes a parameter."""

from __future__ import annotations

import json
from typing import Any, Mapping

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from bmx.compiler.frontend import trace
from bmx.compiler.frontend.constant_folding import fold_constants
from bmx.compiler.frontend.evaluation import evaluate_symbol
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.gluon import library, symbol_json

F = mx.sym
PARAMETERS = {"w": np.float32([[1, -2, 3], [-4, 5, 6]]), "b": np.float32([0.5, -1])}
needs_library = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")


def fold(*outputs: Any, evaluate: Any = evaluate_symbol) -> tuple[list[dict], Mapping[str, np.ndarray]]:
    """The nodes and parameters that are left of a symbol of x, w and b."""
    group = mx.sym.Group(outputs) if len(outputs) > 1 else outputs[0]
    symbol, parameters = fold_constants(symbol_json.from_symbol(group), PARAMETERS, evaluate)
    variables = {name: mx.nd.array(array) for name, array in parameters.items()}
    x = np.random.RandomState(0).standard_normal((4, 3)).astype(np.float32)
    folded = mx.sym.load_json(json.dumps(symbol))
    for net, arrays in ((group, PARAMETERS), (folded, variables)):
        inputs = {name: mx.nd.array(arrays.get(name, x)) for name in net.list_inputs()}
        answers = mx.nd.CachedOp(net)(*(inputs[name] for name in net.list_inputs()))
        arrays["answer"] = [y.asnumpy() for y in (answers if isinstance(answers, list) else [answers])]
    for expected, actual in zip(PARAMETERS.pop("answer"), variables.pop("answer")):
        np.testing.assert_array_equal(actual, expected)
    return symbol["nodes"], parameters


def ops(nodes: list[dict]) -> list[str]:
    return [node["op"] for node in nodes if node["op"] != "null"]


def test_a_chain_becomes_one_array_named_as_its_last_node() -> None:
    x, w = F.var("x"), F.var("w")
    codes = F.round(F.tanh(w) / 0.5, name="codes")
    nodes, parameters = fold(F.FullyConnected(x, codes, num_hidden=2, no_bias=True))
    assert ops(nodes) == ["FullyConnected"]
    assert list(parameters) == ["codes"]
    np.testing.assert_array_equal(parameters["codes"], [[2, -2, 2], [-2, 2, 2]])


def test_what_two_readers_share_is_computed_once() -> None:
    x, w = F.var("x"), F.var("w")
    scale = F.mean(F.abs(w), axis=0, keepdims=True, name="scale")
    nodes, parameters = fold(F.broadcast_mul(x, scale) + F.broadcast_add(x, scale))
    assert sorted(ops(nodes)) == ["broadcast_add", "broadcast_mul", "elemwise_add"]
    assert list(parameters) == ["scale"]


def test_copies_of_a_parameter_are_the_parameter() -> None:
    x, w = F.var("x"), F.var("w")

    def evaluate(*_: Any) -> Any:
        raise AssertionError("there is nothing to compute")

    copy = F.identity(F.BlockGrad(F.identity(w)))
    nodes, parameters = fold(F.FullyConnected(x, copy, num_hidden=2, no_bias=True), evaluate=evaluate)
    assert ops(nodes) == ["FullyConnected"]
    assert list(parameters) == ["w"]


def test_each_output_of_a_split_is_an_array() -> None:
    x, w = F.var("x"), F.var("w")
    _, second = F.split(w, num_outputs=2, axis=0, name="halves")
    nodes, parameters = fold(F.broadcast_mul(x, second))
    assert ops(nodes) == ["broadcast_mul"]
    assert list(parameters) == ["halves_1"]
    np.testing.assert_array_equal(parameters["halves_1"], [[-4, 5, 6]])


def test_equal_names_do_not_meet() -> None:
    x, w = F.var("x"), F.var("w")
    first, second = F.relu(w, name="same"), F.negative(w, name="same")
    _, parameters = fold(*(F.FullyConnected(x, v, num_hidden=2, no_bias=True) for v in (first, second)))
    assert list(parameters) == ["same_1", "same_2"]


def test_arrays_without_parameters_are_constants_if_their_shape_is_known() -> None:
    nodes, parameters = fold(F.broadcast_add(F.var("x"), F.zeros((1, 3), name="zeros") + 2))
    assert ops(nodes) == ["broadcast_add"]
    assert [array.tolist() for array in parameters.values()] == [[[2, 2, 2]]]


def test_what_depends_on_the_input_or_on_chance_stays() -> None:
    x, w = F.var("x"), F.var("w")
    symbol = F.broadcast_add(F.relu(x), F.Dropout(w, mode="always")) + F.random.normal_like(w)
    folded, parameters = fold_constants(symbol_json.from_symbol(symbol), PARAMETERS)
    assert sorted(ops(folded["nodes"])) == [
        *("Dropout", "_random_normal_like", "broadcast_add", "elemwise_add", "relu")
    ]
    assert list(parameters) == ["w"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            lambda w: F.log(w, name="scale"),
            r"'scale' \(log\) is computed from parameters alone and holds NaN",
        ),
        (lambda w: w.astype("int32", name="codes"), r"'codes' \(Cast\).* should be float32, found int32"),
    ],
)
def test_an_array_that_no_weight_can_be_is_refused(value: Any, message: str) -> None:
    symbol = F.broadcast_mul(F.var("x"), value(F.var("w")))
    with pytest.raises(ValueError, match=message):
        fold_constants(symbol_json.from_symbol(symbol), PARAMETERS)


class Computed(HybridBlock):
    """A dense layer whose weight is a function of its parameter."""

    def __init__(self, function: Any) -> None:
        super().__init__(prefix="computed0_")
        self.weight = self.params.get("weight", shape=(2, 3), init="uniform")
        self._function = function

    def hybrid_forward(self, F: Any, x: Any, weight: Any) -> Any:
        return F.FullyConnected(x, self._function(F, weight), num_hidden=2, no_bias=True)


@needs_library
def test_a_recording_holds_what_its_symbol_reads() -> None:
    net = Computed(lambda nd, w: nd.tanh(w, name="squashed"))
    net.initialize()
    recording = trace.record(net, (1, 3))
    assert list(recording.parameters) == ["computed0_squashed"]
    expected = net.weight.data().tanh().asnumpy()
    np.testing.assert_array_equal(recording.parameters["computed0_squashed"], expected)


@needs_library
def test_mxnets_refusal_is_told() -> None:
    net = Computed(lambda nd, w: nd.concat(w, nd.slice_axis(w, axis=1, begin=0, end=1), dim=0))
    net.initialize()
    with pytest.raises(UnsupportedError, match=r"MXNet cannot evaluate .* from its parameters alone"):
        trace.record(net, (1, 3))
