"""Pass: a net of integers alone, from 8-bit pixels to its scores, gives its scores as integers."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass


@compiler_pass
def integer_outputs(graph: Graph) -> Graph:
    """Take out the casts of dot products to real outputs, if nothing else in the graph is real."""
    types = verify(graph)
    casts = {
        node.name: node.inputs[0]
        for node in graph.nodes
        if node.op == "cast"
        and node.name in graph.outputs
        and not graph.consumers(node.name)
        and types[node.inputs[0]].dtype == "i32"
    }
    real = {name for name, value in types.items() if value.dtype == "f32"}
    if real != set(casts) or set(casts.values()) & set(graph.outputs):
        return graph
    graph = graph.copy()
    for cast, integers in casts.items():
        graph.replace_uses(cast, integers)
        graph.replace_node(cast)
    return graph
