"""Pass: from channels first, as traced, to channels last, as the runtime works.

Inputs and outputs keep the layout of training: images are transposed where they enter and leave. Flattening
visits the elements in another order afterwards, so the layers behind a flatten get their constants in that
order; where the order can be seen from outside, the image is transposed back in front of the flatten instead.
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir import CHANNELS_LAST, Graph, Node, ValueType
from bmx.compiler.ops import OPERATORS
from bmx.compiler.verifier import verify

_TO_LAST, _TO_FIRST = [1, 2, 0], [2, 0, 1]


def to_channels_last(graph: Graph) -> Graph:
    """The same net in the layout `CHANNELS_LAST`."""
    types = verify(graph)
    graph = graph.copy()
    graph.layout = CHANNELS_LAST
    graph.nodes = [OPERATORS[node.op].channels_last(node) for node in graph.nodes]
    for node in list(graph.nodes):
        if node.op == "flatten":
            _keep_flatten(graph, node, types[node.inputs[0]])
    _transpose_outputs(graph, types)
    _transpose_inputs(graph)
    return graph


def _keep_flatten(graph: Graph, flatten: Node, x: ValueType) -> None:
    """Reorder the constants of a flatten's readers, or else its input."""
    positions = np.arange(np.prod(x.shape)).reshape(x.shape)
    order = positions.transpose(_TO_LAST).ravel() if len(x.shape) == 3 else positions.ravel()
    if np.array_equal(order, positions.ravel()):
        return
    readers = _permuted_readers(graph, flatten.name, order)
    if readers is not None:
        for node in readers:
            graph.replace_node(node.name, node)
        return
    transpose = _transpose(graph, flatten.inputs[0], _TO_FIRST)
    graph.replace_node(flatten.name, transpose, flatten.with_inputs(transpose.name))


def _permuted_readers(graph: Graph, value: str, order: np.ndarray) -> list[Node] | None:
    """Replacements for the readers of a value with permuted channels; None if an output would show it."""
    if value in graph.outputs:
        return None
    replacements: list[Node] = []
    for node in graph.consumers(value):
        permuted = OPERATORS[node.op].permute_input(node, order)
        further = _permuted_readers(graph, node.name, order) if OPERATORS[node.op].elementwise else []
        if permuted is None or further is None:
            return None
        replacements += [permuted, *further]
    return replacements


def _transpose_inputs(graph: Graph) -> None:
    for value in graph.inputs:
        if len(value.type.shape) == 3:
            transpose = _transpose(graph, value.name, _TO_LAST)
            graph.replace_uses(value.name, transpose.name)
            graph.nodes.insert(0, transpose)


def _transpose_outputs(graph: Graph, types: dict[str, ValueType]) -> None:
    for name in dict.fromkeys(graph.outputs):
        if len(types[name].shape) == 3:
            transpose = _transpose(graph, name, _TO_FIRST)
            graph.outputs = [transpose.name if output == name else output for output in graph.outputs]
            graph.nodes.append(transpose)


def _transpose(graph: Graph, value: str, perm: list[int]) -> Node:
    return Node(graph.unique_name(f"{value}_transposed"), "transpose", (value,), {"perm": perm})
