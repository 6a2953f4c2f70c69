"""Exchange two neighbours: below(above(x)) becomes above(below(x))."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.ir.graph import Graph, Node


def swap_everywhere(graph: Graph, commutes: Callable[[Node, Node], bool]) -> Graph:
    """Swap each pair (above, below) that commutes, until none is left.

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
        _swap(graph, *pair)


def _find_pair(graph: Graph, commutes: Callable[[Node, Node], bool]) -> tuple[Node, Node] | None:
    producers = graph.producers()
    for below in graph.nodes:
        above = producers.get(below.inputs[0])
        if above and commutes(above, below) and graph.uses(above.name) == 1:
            return above, below
    return None


def _swap(graph: Graph, above: Node, below: Node) -> None:
    graph.replace_node(above.name)
    graph.replace_uses(below.name, above.name)
    # Casts change no number, so the value below one stands for the same.
    graph.set_origin(below.name, graph.origins.get(above.name) if above.op == "cast" else None)
    graph.replace_node(below.name, below.with_inputs(*above.inputs), above.with_inputs(below.name))
