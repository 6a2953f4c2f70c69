"""Pass: readers of an identity read its input instead."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes import compiler_pass


@compiler_pass
def remove_identity(graph: Graph) -> Graph:
    """Drop every `identity` node."""
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op == "identity"]:
        node = graph.producers()[name]
        graph.replace_uses(name, node.inputs[0])
        graph.replace_node(name)
    return graph
