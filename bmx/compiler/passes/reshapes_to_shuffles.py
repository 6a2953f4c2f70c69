"""Pass: the three steps that shuffle channels in MXNet become one operator.

Reshape C to [groups, C / groups], exchange these two axes, reshape back: a copy of whole pixels in either
layout, while each single step would need the layout of training.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node, ValueType
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass


@compiler_pass
def reshapes_to_shuffles(graph: Graph) -> Graph:
    """reshape(transpose(reshape(x))) -> shuffle_channels(x), channels first."""
    types = verify(graph)
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op in ("reshape", "flatten")]:
        steps = _steps(graph, name)
        groups = _groups(steps, types) if steps else None
        if not steps or not groups:
            continue
        graph.replace_node(name, Node(name, "shuffle_channels", steps[0].inputs, {"groups": groups}))
        for step in (steps[1], steps[0]):
            if not graph.uses(step.name):
                graph.replace_node(step.name)
    return graph


def _steps(graph: Graph, last: str) -> tuple[Node, Node, Node] | None:
    """Reshape, transpose and reshape, the last of which is given."""
    producers = graph.producers()
    back = producers[last]
    swap = producers.get(back.inputs[0])
    split = producers.get(swap.inputs[0]) if swap else None
    if swap and split and swap.op == "transpose" and split.op == "reshape":
        return split, swap, back
    return None


def _groups(steps: tuple[Node, Node, Node], types: dict[str, ValueType]) -> int | None:
    """How many groups the steps shuffle; None if that is not what they do."""
    split, swap, back = steps
    before, middle = types[split.inputs[0]].shape, types[split.name].shape
    perm = swap.attrs["perm"]
    swapped = perm[:2] == [1, 0] and perm[2:] == list(range(2, len(perm)))
    image_or_vector = len(before) in (1, 3) and types[back.name].shape == before
    if swapped and image_or_vector and middle[0] * middle[1] == before[0]:
        return int(middle[0])
    return None
