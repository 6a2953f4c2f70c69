"""Rules of the IR that the text form cannot break."""

from __future__ import annotations

import pytest

from bmx.compiler.ir.graph import Graph, GraphError, Input, Node, ValueType
from bmx.compiler.ir.verifier import verify

IMAGE = ValueType("f32", (2, 3, 3))


def graph(**changes: object) -> Graph:
    fields = {
        "name": "g",
        "inputs": [Input("x", IMAGE)],
        "nodes": [Node("y", "relu", ("x",))],
        "outputs": ["y"],
    }
    return Graph(**{**fields, **changes})


def test_types_of_all_values() -> None:
    assert verify(graph()) == {"x": IMAGE, "y": IMAGE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outputs": []}, "at least one output"),
        ({"outputs": ["z"]}, "the output 'z' is not a value"),
        ({"layout": "NCHW"}, "layout should be one of channels_first, channels_last, found 'NCHW'"),
        ({"inputs": [Input("", IMAGE)]}, "not empty"),
        ({"inputs": [Input("x", ValueType("i32", (1,)))]}, "input 'x' should be f32"),
        ({"inputs": [Input("x", ValueType("f32", (2, 0)))]}, "at least 1 element"),
        ({"inputs": [Input("x", ValueType("f32", ()))]}, "1 to 8 axes"),
        ({"nodes": [Node("y", "relu", ("x", "x"))]}, "relu takes 1 input, found 2"),
        ({"classes": ["a", "b"]}, "2 class labels were given, but the output is f32\\[2, 3, 3\\]"),
    ],
)
def test_broken_graphs(changes: dict, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        verify(graph(**changes))


@pytest.mark.parametrize(
    "preprocessing",
    [
        {},
        {"scale": 1.0, "mean": [0.0], "std": [1.0]},
        {"scale": 1.0, "mean": [0.0, 0.0], "std": [1.0, 0.0]},
        {"scale": [1.0], "mean": [0.0, 0.0], "std": [1.0, 1.0]},
        {"scale": "big", "mean": [0.0, 0.0], "std": [1.0, 1.0]},
        {"scale": 1.0, "mean": [0.0, 0.0], "std": [1.0, 1.0], "gamma": 2},
        {"scale": float("nan"), "mean": [0.0, 0.0], "std": [1.0, 1.0]},
        [1.0],
    ],
)
def test_preprocessing_must_fit_the_channels(preprocessing: object) -> None:
    with pytest.raises(GraphError, match=r"preprocessing of 'x' should be .* with 2 numbers"):
        verify(graph(inputs=[Input("x", IMAGE, preprocessing)]))
    verify(graph(inputs=[Input("x", IMAGE, {"scale": 1.0, "mean": [0.0, 0.5], "std": [1.0, -2.0]})]))
