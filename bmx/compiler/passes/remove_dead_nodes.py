"""Pass: nodes that no output needs are dropped."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes import compiler_pass


@compiler_pass
def remove_dead_nodes(graph: Graph) -> Graph:
    """Keep what the outputs need, directly or not; the graph's inputs stay."""
    graph = graph.copy()
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    graph.nodes = [node for node in graph.nodes if node.name in needed]
    return graph
