"""Pass: equal nodes, such as the signs that two layers take of one value, become one."""

from __future__ import annotations

import json
from typing import Any

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def merge_equal_nodes(graph: Graph) -> Graph:
    """Readers of a node read an earlier one with the same operator, inputs, attributes and constants instead.

    Nodes that the graph returns keep their names.
    """
    graph = graph.copy()
    known: dict[Any, str] = {}
    for name in [node.name for node in graph.nodes]:
        node = graph.producers()[name]  # its inputs may have been merged by now
        first = known.setdefault(_key(node), name)
        if first != name and name not in graph.outputs:
            graph.replace_uses(name, first)
            graph.replace_node(name)
    return graph


def _key(node: Node) -> Any:
    constants = tuple(
        (role, array.dtype.str, array.shape, array.tobytes())
        for role, array in sorted(node.constants.items())
    )
    return node.op, node.inputs, json.dumps(node.attrs, sort_keys=True), constants
