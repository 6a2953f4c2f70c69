"""Pass: operators that read integers as well as real values need no cast in front of them."""

from __future__ import annotations

from bmx.compiler.ir import Graph


def absorb_casts(graph: Graph) -> Graph:
    """affine(cast(x)) -> affine(x); the cast stays for its other readers."""
    graph = graph.copy()
    producers = graph.producers()
    for index, node in enumerate(graph.nodes):
        above = producers.get(node.inputs[0])
        if node.op == "affine" and above and above.op == "cast":
            graph.nodes[index] = node.with_inputs(*above.inputs)
    return graph
