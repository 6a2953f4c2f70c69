"""A slow executor in NumPy. It is the definition of the IR: passes and runtimes must agree with it."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from bmx.compiler.ir.graph import Graph, GraphError
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES


def evaluate(graph: Graph, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Run a graph.

    Args:
        graph: a verified graph.
        inputs: arrays by input name, batch axis first: float32, or uint8 for bytes.

    Returns:
        The outputs in order: float32, int32, int8 arrays of +-1 for bits, or uint8 for codes.

    Raises:
        GraphError: an input is missing or has another shape or dtype.
    """
    values = evaluate_all(graph, inputs)
    return [values[name] for name in graph.outputs]


def evaluate_all(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All values of a graph by name; otherwise as `evaluate`."""
    values: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        array = inputs.get(value.name)
        dtype = NUMPY_DTYPES[value.type.dtype]
        if array is None or array.dtype != dtype or array.shape[1:] != value.type.shape:
            found = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise GraphError(f"input {value.name!r} should be a batch of {value.type}, found {found}.")
        values[value.name] = array
    for node in graph.nodes:
        arrays = [values[name] for name in node.inputs]
        values[node.name] = OPERATORS[node.op].evaluate_all(node, arrays, graph.layout)
    return values
