"""Pass: reshapes and transposes in a row become one, and those that move nothing disappear.

A reshape keeps the row-major order of its input, so only the last shape of a chain counts.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node, ValueType
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass

_RESHAPES = ("reshape", "flatten")


@compiler_pass
def merge_reshapes(graph: Graph) -> Graph:
    """reshape(reshape(x)) -> reshape(x), transpose(transpose(x)) -> transpose(x); likewise for flatten."""
    types = verify(graph)
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op in (*_RESHAPES, "transpose")]:
        producers = graph.producers()
        node = producers[name]
        above = producers.get(node.inputs[0])
        merged = _merge(above, node, types) if above else None
        if above and merged:
            graph.replace_node(name, merged)
            if not graph.uses(above.name):
                graph.replace_node(above.name)
        _drop_if_idle(graph, merged or node, types)
    return graph


def _merge(above: Node, below: Node, types: dict[str, ValueType]) -> Node | None:
    """The two as one node, under the name of the second."""
    if above.op in _RESHAPES and below.op in _RESHAPES:
        shape = types[below.name].shape
        if len(shape) == 1:
            return Node(below.name, "flatten", above.inputs)
        return Node(below.name, "reshape", above.inputs, {"shape": list(shape)})
    if above.op == below.op == "transpose":
        perm = [above.attrs["perm"][axis] for axis in below.attrs["perm"]]
        return Node(below.name, "transpose", above.inputs, {"perm": perm})
    return None


def _drop_if_idle(graph: Graph, node: Node, types: dict[str, ValueType]) -> None:
    """Let readers of a node that changes nothing read its input."""
    if node.op == "transpose":
        idle = node.attrs["perm"] == sorted(node.attrs["perm"])
    else:
        idle = types[node.name] == types[node.inputs[0]]
    # An output keeps its name, and no value is an output twice.
    if idle and node.name not in graph.outputs:
        (x,) = node.inputs
        origin = graph.origins.get(x) or graph.origins.get(node.name)
        graph.replace_uses(node.name, x)
        graph.set_origin(x, origin)
        graph.replace_node(node.name)
