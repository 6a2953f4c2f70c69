"""Pass: operators that read integers as well as real values need no cast before them."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass


@compiler_pass
def absorb_casts(graph: Graph) -> Graph:
    """affine(cast(x)) -> affine(x) for integers x; the cast stays for its other readers."""
    types = verify(graph)
    graph = graph.copy()
    producers = graph.producers()
    for index, node in enumerate(graph.nodes):
        above = producers.get(node.inputs[0])
        if node.op == "affine" and above and above.op == "cast" and types[above.inputs[0]].dtype == "i32":
            graph.nodes[index] = node.with_inputs(*above.inputs)
    return graph
