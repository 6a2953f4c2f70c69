"""Pass: a sign and the monotone operators above it become one comparison per channel.

`bmx.compiler.passes.support.steps` finds the thresholds.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.steps import Steps, equal_value, find_steps


@compiler_pass
def signs_to_thresholds(graph: Graph) -> Graph:
    """Replace every `sign` by a `threshold` that reads from as far up as the chain is monotone.

    A value inside the chain stays as it is for its other readers; the threshold reads past it.
    The sign of bits that became +-1.0 is those bits.
    """
    types, traced = verify(graph), graph
    graph = graph.copy()
    for node in traced.nodes:
        if node.op != "sign":
            continue
        bits = equal_value(traced, node, types)
        if bits is None or node.name in graph.outputs:
            graph.replace_node(node.name, _threshold(node, find_steps(traced, node, types)))
        else:
            graph.replace_uses(node.name, bits)
            graph.replace_node(node.name)
    return graph


def _threshold(node: Node, steps: Steps) -> Node:
    # Where the bit falls it is 1 up to its threshold, which is the number before the place.
    places = steps.places[0] - steps.falls
    constants = {"threshold": steps.numbers(places), "flip": steps.falls}
    return Node(node.name, "threshold", (steps.start,), {}, constants)
