"""Pass: from channels first, as traced, to channels last, as the runtime works.

Inputs and outputs keep the layout of training: images are transposed where they enter and leave. A flatten
then visits the elements in another order, so the layers after it get their constants in that order; where the
order can be seen from outside, the image is transposed back before the flatten instead. Reshapes mean the
order of training too: where an image has more than one channel and more than one pixel, a transpose comes
before or after them. Values with other than one or three axes keep the layout of training; an operator that
works on their channels reads them through a transpose that moves the channels to the end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_LAST, Graph, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass

_TO_LAST, _TO_FIRST = [1, 2, 0], [2, 0, 1]
_IMAGE = 3  # axes


@compiler_pass
def to_channels_last(graph: Graph) -> Graph:
    """The same net in the layout `CHANNELS_LAST`."""
    types = verify(graph)
    graph = graph.copy()
    graph.layout = CHANNELS_LAST
    graph.nodes = [OPERATORS[node.op].channels_last(node) for node in graph.nodes]
    for node in list(graph.nodes):
        x, y = types[node.inputs[0]], types[node.name]
        if node.op == "flatten":
            _keep_flatten(graph, node, x)
        elif node.op == "reshape":
            _keep_reshape(graph, node, x, y)
        elif node.op == "transpose":
            graph.replace_node(node.name, replace(node, attrs={"perm": _perm_channels_last(node, x)}))
        elif len(x.shape) not in (1, _IMAGE) and not _by_position(node):
            _keep_channels(graph, node, len(x.shape))
    _transpose_outputs(graph, types)
    _transpose_inputs(graph)
    return graph


def _by_position(node: Node) -> bool:
    """Whether the node means the same whatever axis has the channels."""
    operator = OPERATORS[node.op]
    return operator.by_position or (operator.elementwise and not operator.constants)


def _keep_channels(graph: Graph, node: Node, rank: int) -> None:
    """Move the channels to the end for a node on a value that is neither image nor vector, and back."""
    to_end, to_front = [*range(1, rank), 0], [rank - 1, *range(rank - 1)]
    moved = {value: _transpose(graph, value, to_end) for value in node.inputs}
    inputs = [moved[value].name for value in node.inputs]
    inner = replace(node, name=graph.unique_name(f"{node.name}_moved"), inputs=tuple(inputs))
    outer = Node(node.name, "transpose", (inner.name,), {"perm": to_front})
    graph.replace_node(node.name, *moved.values(), inner, outer)


def _perm_channels_last(node: Node, x: ValueType) -> list[int]:
    """The permutation between images whose axes are ordered height, width, channels."""
    perm: list[int] = node.attrs["perm"]
    return [_TO_FIRST[perm[axis]] for axis in _TO_LAST] if len(x.shape) == _IMAGE else perm


def _keep_reshape(graph: Graph, node: Node, x: ValueType, y: ValueType) -> None:
    """Reshape in the layout of training, with transposes where a layout shows."""
    nodes = []
    value, shape = node.inputs[0], list(y.shape)
    if _layout_shows(x):
        nodes.append(_transpose(graph, value, _TO_FIRST))
        value = nodes[-1].name
    if _layout_shows(y):
        first = Node(graph.unique_name(f"{node.name}_first"), "reshape", (value,), {"shape": shape})
        nodes += [first, Node(node.name, "transpose", (first.name,), {"perm": _TO_LAST})]
    else:
        shape = [shape[axis] for axis in _TO_LAST] if len(shape) == _IMAGE else shape
        nodes.append(Node(node.name, "reshape", (value,), {"shape": shape}))
    graph.replace_node(node.name, *nodes)


def _layout_shows(x: ValueType) -> bool:
    """Whether the elements have another order in the other layout: several channels of several pixels."""
    return len(x.shape) == _IMAGE and x.shape[0] > 1 and x.shape[1] * x.shape[2] > 1


def _keep_flatten(graph: Graph, flatten: Node, x: ValueType) -> None:
    """Reorder the constants of a flatten's readers, or else its input."""
    positions = np.arange(np.prod(x.shape)).reshape(x.shape)
    order = positions.transpose(_TO_LAST).ravel() if len(x.shape) == _IMAGE else positions.ravel()
    if np.array_equal(order, positions.ravel()):
        return
    if x.dtype not in OPERATORS["transpose"].reads:
        _cast_before_flatten(graph, flatten, order)
        if not graph.uses(flatten.name):
            graph.replace_node(flatten.name)
            return
    readers = _permuted_readers(graph, flatten.name, order)
    if readers is not None:
        for node in readers:
            graph.replace_node(node.name, node)
        return
    transpose = _transpose(graph, flatten.inputs[0], _TO_FIRST)
    graph.replace_node(flatten.name, transpose, flatten.with_inputs(transpose.name))


def _cast_before_flatten(graph: Graph, flatten: Node, order: np.ndarray) -> None:
    """Bits and codes cannot be transposed: casts of them whose order shows flatten real numbers instead."""
    for cast in [node for node in graph.consumers(flatten.name) if node.op == "cast"]:
        if _permuted_readers(graph, cast.name, order) is not None:
            continue
        image = Node(graph.unique_name(f"{cast.name}_image"), "cast", flatten.inputs)
        transpose = _transpose(graph, image.name, _TO_FIRST)
        graph.replace_node(cast.name, image, transpose, Node(cast.name, "flatten", (transpose.name,)))


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
        if len(value.type.shape) == _IMAGE:
            transpose = _transpose(graph, value.name, _TO_LAST)
            graph.replace_uses(value.name, transpose.name)
            graph.nodes.insert(0, transpose)


def _transpose_outputs(graph: Graph, types: dict[str, ValueType]) -> None:
    for name in dict.fromkeys(graph.outputs):
        if len(types[name].shape) == _IMAGE:
            transpose = _transpose(graph, name, _TO_FIRST)
            graph.outputs = [transpose.name if output == name else output for output in graph.outputs]
            graph.nodes.append(transpose)


def _transpose(graph: Graph, value: str, perm: list[int]) -> Node:
    return Node(graph.unique_name(f"{value}_transposed"), "transpose", (value,), {"perm": perm})
