"""Pass: two affines in a row become one, folded in float64."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def merge_affines(graph: Graph) -> Graph:
    """affine(affine(x)) -> affine(x), where nothing else reads the value between."""
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op == "affine"]:
        producers = graph.producers()
        below = producers[name]
        above = producers.get(below.inputs[0])
        if above and above.op == "affine" and graph.uses(above.name) == 1:
            graph.replace_node(above.name)
            graph.replace_node(below.name, _merge(above, below))
    return graph


def _merge(above: Node, below: Node) -> Node:
    scale_above, shift_above = (above.constants[role].astype(np.float64) for role in ("scale", "shift"))
    scale, shift = (below.constants[role].astype(np.float64) for role in ("scale", "shift"))
    return below.with_inputs(*above.inputs).with_constants(
        scale=(scale_above * scale).astype(np.float32),
        shift=(shift_above * scale + shift).astype(np.float32),
    )
