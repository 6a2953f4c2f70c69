"""Passes that exchange two neighbors that commute: below(above(x)) becomes above(below(x))."""

from __future__ import annotations

from functools import partial
from typing import Callable, NamedTuple

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.passes import REGISTRY


class Pair(NamedTuple):
    """Two neighbors, and the node that computes what the upper one reads."""

    above: Node
    below: Node
    source: Node | None  # None: an input of the graph

    def are(self, above: str, below: str) -> bool:
        """Whether the neighbors are these operators."""
        return (self.above.op, self.below.op) == (above, below)


_LAYERS = {
    f"{kind}{layer}"
    for kind in ("", "binary_", "binary_weight_", "integer_")
    for layer in ("conv2d", "dense")
}


def _rises_after_no_layer(pair: Pair) -> bool:
    if not pair.are("affine", "max_pool2d") or (pair.source and pair.source.op in _LAYERS):
        return False
    return bool((pair.above.constants["scale"] >= 0).all())


# Name of the pass -> which pairs it exchanges. None may hold for the exchanged pair too.
SWAPS: dict[str, Callable[[Pair], bool]] = {
    # sign(flatten(x)) -> flatten(sign(x)): bits are made where the numbers are.
    "sign_through_flatten": lambda pair: pair.are("flatten", "sign"),
    # sign(max_pool2d(x)) -> max_pool2d(sign(x)): the sign is non-decreasing, so it commutes with the maximum.
    # Pooling bits is an OR. Padding never wins on either side.
    "sign_through_max_pool": lambda pair: pair.are("max_pool2d", "sign"),
    # sign(pad2d(x)) -> pad2d(sign(x)) where the padding repeats pixels; bits have no 0.
    "sign_through_pad": lambda pair: pair.are("pad2d", "sign") and pair.above.attrs["edge"],
    # max_pool2d(f(x)) -> f(max_pool2d(x)) for non-decreasing f, which then has fewer elements to work on.
    "pool_before_activation": lambda pair: (
        pair.below.op == "max_pool2d" and OPERATORS[pair.above.op].is_non_decreasing(pair.above)
    ),
    # max_pool2d(affine(x)) -> affine(max_pool2d(x)): x * scale + shift, rounded once, is non-decreasing where
    # scale >= 0. After a layer an affine stays: the layer computes it while its sums are in the cache.
    "pool_before_affine": _rises_after_no_layer,
}


def swap_everywhere(graph: Graph, commutes: Callable[[Pair], bool]) -> Graph:
    """Swap each pair that commutes, until none is left.

    A pair is left alone if anything but ``below`` reads the value between the two. Names stay with their
    operators.

    Args:
        graph: the graph; it is not changed.
        commutes: whether below(above(x)) equals above(below(x)); must not hold for the pair in the other
            order too.

    Returns:
        The new graph.
    """
    graph = graph.copy()
    while True:
        pair = _find_pair(graph, commutes)
        if pair is None:
            return graph
        _swap(graph, pair.above, pair.below)


def _find_pair(graph: Graph, commutes: Callable[[Pair], bool]) -> Pair | None:
    producers = graph.producers()
    for below in graph.nodes:
        above = producers.get(below.inputs[0])
        if above is None:
            continue
        pair = Pair(above, below, producers.get(above.inputs[0]))
        if commutes(pair) and graph.uses(above.name) == 1:
            return pair
    return None


def _swap(graph: Graph, above: Node, below: Node) -> None:
    graph.replace_node(above.name)
    graph.replace_uses(below.name, above.name)
    # Casts change no number, so the value below one stands for the same.
    graph.set_origin(below.name, graph.origins.get(above.name) if above.op == "cast" else None)
    graph.replace_node(below.name, below.with_inputs(*above.inputs), above.with_inputs(below.name))


for _name, _commutes in SWAPS.items():
    REGISTRY[_name] = partial(swap_everywhere, commutes=_commutes)
