"""A packed graph, rewritten so that the runtime shows and takes values in its middle."""

from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

from bmx.compiler.ir.graph import CODES, Graph, Input, Node, ValueType, largest
from bmx.compiler.ir.ops import OPERATORS

_IMAGE = 3  # axes
_TO_FIRST = [2, 0, 1]


def show(graph: Graph, values: Sequence[str]) -> Graph:
    """The graph with inner values as further outputs, after its own."""
    graph = graph.copy()
    graph.outputs += [value for value in values if value not in graph.outputs]
    graph.classes = None
    return graph


def force(graph: Graph, values: Sequence[str], types: Mapping[str, ValueType]) -> Graph:
    """The graph in which inner values do not reach their readers: these read further inputs instead.

    Each layer then works on what the caller says, whatever the layers before it compute.

    Args:
        graph: a graph as it is in a file.
        values: float values, bits and codes; `forced_input` names the input of each. Bits are fed as -1 and
            +1, codes as they are, all as float32.
        types: types of all values by name.

    Returns:
        A graph with one more input for each value and the same outputs.
    """
    forced = show(graph, ())
    nodes: list[Node] = []
    place = {value: forced_input(value) for value in values}
    for value in values:
        forced.inputs.append(Input(place[value], ValueType("f32", types[value].shape)))
        if types[value].dtype in ("bits", *CODES):
            nodes.append(_packed(place[value], types[value]))
            place[value] = nodes[-1].name
    for node in graph.nodes:
        nodes.append(node.with_inputs(*(place.get(value, value) for value in node.inputs)))
    forced.nodes = nodes
    return forced


def _packed(x: str, wanted: ValueType) -> Node:
    """The node that turns real numbers which are bits or codes into these."""
    channels, name = wanted.shape[-1], f"{x}, {wanted.dtype}"
    flip = np.zeros(channels, np.bool_)
    if wanted.dtype == "bits":
        return Node(name, "threshold", (x,), {}, {"threshold": np.zeros(channels, np.float32), "flip": flip})
    halves = np.arange(largest(wanted.dtype), dtype=np.float32) + np.float32(0.5)
    constants = {"threshold": np.repeat(halves[:, np.newaxis], channels, axis=1), "flip": flip}
    return Node(name, "quantize", (x,), {"bits": int(wanted.dtype[1:])}, constants)


def forced_input(value: str) -> str:
    """Name of the input that stands for a value in what `force` returns."""
    return f"{value}, forced"


class Layouts:
    """How a packed graph lays out the values of training: images channels last, flattened ones likewise.

    Outputs keep the order of training.
    """

    def __init__(self, graph: Graph, types: Mapping[str, ValueType]) -> None:
        self._types = types
        self._orders: dict[str, np.ndarray] = {}
        producers = graph.producers()
        for node in graph.nodes:
            order = _flatten_order(node, producers, types)
            if order is None and OPERATORS[node.op].elementwise:
                orders = [self._orders[value] for value in node.inputs if value in self._orders]
                order = orders[0] if orders else None
            if order is not None and node.name not in graph.outputs:
                self._orders[node.name] = order

    def settle(self, value: str, expected: np.ndarray, actual: np.ndarray) -> None:
        """Decide by numbers in which order a flattened image is, if the compiler had to choose.

        Transposes of the net and of the layout may cancel out, which leaves the order of training. The choice
        hides no error: a layer that reads another order than it should does not agree.

        Args:
            value: name of the value.
            expected: a batch as in training.
            actual: a batch as the graph computes it.
        """
        order = self._orders.get(value)
        if order is None or expected.shape != actual.shape:
            return
        distances = [np.abs(array - actual).sum() for array in (expected[:, order], expected)]
        if distances[1] < distances[0]:
            del self._orders[value]

    def apply(self, value: str, array: np.ndarray) -> np.ndarray | None:
        """A batch as in training, laid out as the graph has ``value``; None if the shapes do not fit."""
        if array.ndim == _IMAGE + 1:
            array = array.transpose(0, 2, 3, 1)
        elif array.ndim == 2 and value in self._orders and array.shape[1] == len(self._orders[value]):
            array = array[:, self._orders[value]]
        return array if array.shape[1:] == self._types[value].shape else None


def _flatten_order(
    node: Node, producers: Mapping[str, Node], types: Mapping[str, ValueType]
) -> np.ndarray | None:
    """Positions in training of a flattened image's elements; None where the order is the same."""
    shape = types[node.inputs[0]].shape
    if node.op != "flatten" or len(shape) != _IMAGE:
        return None
    above = producers.get(node.inputs[0])
    # Where the order can be seen from outside, the compiler puts a transpose back before the flatten.
    if above and above.op == "transpose" and above.attrs["perm"] == _TO_FIRST:
        return None
    height, width, channels = shape
    return np.arange(np.prod(shape)).reshape(channels, height, width).transpose(1, 2, 0).ravel()
