"""The rewrites before import, in order: each has something to do, and MXNet computes the same after it."""

from __future__ import annotations

import json
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.frontend.normalize import NORMALIZATIONS, Parameters, find_problem, normalize
from bmx.gluon import library, symbol_json
from bmx.gluon.symbol_json import SymbolJson

F = mx.sym
RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((4, 6)).astype(np.float32)


def sign(x: Any) -> Any:
    return 1 - 2 * (x < 0)


def straight_through(value: Any, surrogate: Any) -> Any:
    return F.BlockGrad(value) + (surrogate - F.BlockGrad(surrogate))


def recorded() -> tuple[SymbolJson, Parameters]:
    """Two layers as quantizers record them; the weight of the second is computed from its parameter."""
    x, latent, shifted = F.var("x"), F.var("latent"), F.var("shifted")
    options = {"num_hidden": 6, "no_bias": True}
    first = F.FullyConnected(straight_through(sign(x), F.tanh(x)), sign(latent), **options)
    computed = sign(F.broadcast_sub(shifted, F.mean(shifted)))
    second = F.FullyConnected(sign(first), computed, **options)
    weights = {name: RANDOM.standard_normal((6, 6)).astype(np.float32) for name in ("latent", "shifted")}
    return symbol_json.from_symbol(second), weights


def answers(symbol: SymbolJson, parameters: Parameters) -> np.ndarray:
    net = mx.sym.load_json(json.dumps(symbol))
    values = {**parameters, "x": X}
    return mx.nd.CachedOp(net)(*(mx.nd.array(values[name]) for name in net.list_inputs())).asnumpy()


def ops(symbol: SymbolJson) -> list[str]:
    return [node["op"] for node in symbol["nodes"]]


@pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")
@pytest.mark.parametrize(
    "count", range(len(NORMALIZATIONS)), ids=[rewrite.__name__ for rewrite in NORMALIZATIONS]
)
def test_each_rewrite_changes_a_net_and_keeps_what_mxnet_computes(count: int) -> None:
    symbol, parameters = normalize(*recorded(), NORMALIZATIONS[:count])
    after, read = NORMALIZATIONS[count](symbol, parameters)
    assert ops(after) != ops(symbol)
    assert find_problem(after, read) == ""
    np.testing.assert_array_equal(answers(after, read), answers(symbol, parameters))


def test_all_of_them_leave_binary_layers() -> None:
    symbol, parameters = normalize(*recorded())
    assert [op for op in ops(symbol) if op != "null"] == [
        *("QActivation", "QFullyConnected", "QActivation", "QFullyConnected")
    ]
    assert len(parameters) == 2


PROBLEMS = {
    "reads .*; expected nodes before it": lambda symbol: symbol["nodes"][2].update(inputs=[[2, 0, 0]]),
    "the heads are .*; expected outputs of the": lambda symbol: symbol.update(heads=[]),
    "expected the variables": lambda symbol: symbol.update(arg_nodes=[]),
    "two variables have one name": lambda symbol: [
        node.update(name="same") for node in symbol["nodes"] if node["op"] == "null"
    ],
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_rewrite_that_breaks_the_symbol_is_a_bug(problem: str) -> None:
    def broken(symbol: SymbolJson, parameters: Parameters) -> tuple[SymbolJson, Parameters]:
        PROBLEMS[problem](symbol)
        return symbol, parameters

    with pytest.raises(RuntimeError, match=f"broken broke the recorded net: .*{problem}"):
        normalize(*recorded(), [broken])


def test_parameters_stay_float32() -> None:
    symbol, parameters = recorded()
    parameters = {name: array.astype(np.float64) for name, array in parameters.items()}
    assert find_problem(symbol, parameters) == "the parameter 'latent' should be float32"
