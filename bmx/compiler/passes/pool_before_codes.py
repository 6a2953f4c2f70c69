"""Pass: max pool the numbers, and make codes of what is left.

Non-decreasing functions commute with the maximum, and the runtime pools numbers, not bit planes. The
operators between the code and the pooling, casts and the scale that codes are multiplied with, move after the
pooling with the code; those with other readers are doubled. Above the code the pooling moves up as long as
all other readers of what it passes are thresholds of codes, so that dot products are compared before they
become real.
"""

from __future__ import annotations

from dataclasses import replace

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.passes import compiler_pass


@compiler_pass
def pool_before_codes(graph: Graph) -> Graph:
    """max_pool2d(f(code(g(x)))) -> f(code(g(max_pool2d(x)))) for non-decreasing f and g."""
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op == "max_pool2d"]:
        pool = graph.producers()[name]
        for _ in range(_links_to_code(graph, pool)):
            pool = _exchange(graph, pool)
        while pool.name != name:
            above = graph.producers().get(pool.inputs[0])
            if above is None or not _rises(above) or not _feeds_codes(graph, above.name, pool):
                break
            pool = _exchange(graph, pool)
    return graph


def _links_to_code(graph: Graph, pool: Node) -> int:
    """How many operators a pooling passes up to and with a code; 0 if there is none."""
    producers, count = graph.producers(), 0
    above = producers.get(pool.inputs[0])
    while above and _rises(above):
        count += 1
        if above.op == "code":
            return count
        above = producers.get(above.inputs[0])
    return 0


def _rises(node: Node) -> bool:
    """Whether an elementwise operator is non-decreasing in every channel."""
    if node.op == "affine":
        return bool((node.constants["scale"] >= 0).all())
    if node.op == "batch_norm":
        return bool((node.constants["gamma"] >= 0).all())
    if node.op == "divide":
        return bool((node.constants["divisor"] > 0).all())
    return OPERATORS[node.op].is_non_decreasing(node)


def _feeds_codes(graph: Graph, value: str, pool: Node) -> bool:
    """Whether a value is read by a pooling, and otherwise only by what thresholds of codes take in."""

    def is_absorbed(reader: Node) -> bool:
        if reader.op == "code" or reader.name == pool.name:
            return True
        return _rises(reader) and _feeds_codes(graph, reader.name, pool)

    return value not in graph.outputs and all(is_absorbed(reader) for reader in graph.consumers(value))


def _exchange(graph: Graph, pool: Node) -> Node:
    """pool(f(x)) -> f(pool(x)), under the names of the values; returns the new pooling."""
    above = graph.producers()[pool.inputs[0]]
    inner = replace(pool, name=graph.unique_name(f"{above.inputs[0]}_pooled"), inputs=above.inputs)
    graph.replace_node(pool.name, inner, replace(above, name=pool.name, inputs=(inner.name,)))
    origin = graph.origins.get(above.name)
    if above.op == "code" and origin and origin.code:
        graph.set_origin(pool.name, replace(origin, pools=(*origin.pools, pool)))
    elif above.op == "cast":  # which changes no number
        graph.set_origin(inner.name, graph.origins.get(pool.name))
    if not graph.uses(above.name):
        graph.replace_node(above.name)
        graph.set_origin(above.name, None)
    return inner
