"""Pass: a code and the monotone operators above it become comparisons with several thresholds per channel.

`bmx.compiler.passes.support.steps` finds them.
"""

from __future__ import annotations

from dataclasses import replace

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.steps import Steps, equal_value, find_steps, level_count


@compiler_pass
def codes_to_quantize(graph: Graph) -> Graph:
    """Replace every `code` by a `quantize` that reads from as far up as the chain is monotone.

    Codes of as many bits that a cast and a scale made real, and that the code would only recover, are read as
    they are.
    """
    types, traced = verify(graph), graph
    graph = graph.copy()
    for node in traced.nodes:
        if node.op != "code":
            continue
        codes = equal_value(traced, node, types)
        if codes is None or node.name in graph.outputs:
            steps = find_steps(traced, node, types)
            graph.replace_node(node.name, _quantize(node, steps))
            if steps.sign in traced.origins:
                origin = traced.origins[steps.sign]
                graph.set_origin(node.name, replace(origin, code=level_count(node)))
        else:
            graph.replace_uses(node.name, codes)
            graph.replace_node(node.name)
    return graph


def _quantize(node: Node, steps: Steps) -> Node:
    constants = {"threshold": steps.numbers(steps.places), "flip": steps.falls}
    return Node(node.name, "quantize", (steps.start,), node.attrs, constants)
