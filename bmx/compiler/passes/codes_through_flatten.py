"""Pass: make codes before flattening, where the numbers are.

The operators between the flatten and the code have a number for each element of the flattened image. They can
move before the flatten if these numbers are equal for all pixels of a channel.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bmx.compiler.ir.graph import Graph, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass


@compiler_pass
def codes_through_flatten(graph: Graph) -> Graph:
    """code(f(flatten(x))) -> flatten(code(f(x))), channels first."""
    types = verify(graph)
    graph = graph.copy()
    for code in [node for node in graph.nodes if node.op == "code"]:
        links = _links(graph, code)
        if links is None:
            continue
        flatten, moved = links[0], [_before_flatten(link, types[links[0].inputs[0]]) for link in links[1:]]
        if all(moved):
            _move(graph, flatten, [node for node in moved if node])
    return graph


def _links(graph: Graph, code: Node) -> list[Node] | None:
    """A flatten of an image, elementwise operators and the code, each read by the next one alone."""
    producers, links = graph.producers(), [code]
    while links[0].op != "flatten":
        above = producers.get(links[0].inputs[0])
        fits = above and (above.op == "flatten" or (OPERATORS[above.op].elementwise and above.op != "cast"))
        if above is None or not fits or graph.uses(above.name) > 1:
            return None
        links.insert(0, above)
    return links


def _before_flatten(node: Node, x: ValueType) -> Node | None:
    """The node with a number for each channel of the image x; None if the pixels have different ones."""
    if len(x.shape) not in (1, 3):
        return None
    constants = {}
    for role, array in node.constants.items():
        if array.shape == (math.prod(x.shape),):
            rows = array.reshape(x.shape[0], -1)
            if not np.array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape)):
                return None
            array = rows[:, 0]
        constants[role] = array
    return replace(node, constants=constants)


def _move(graph: Graph, flatten: Node, links: list[Node]) -> None:
    """Put the operators before the flatten, which takes the place and the meaning of the last one."""
    value = flatten.inputs[0]
    names = [graph.unique_name(f"{node.name}_image") for node in links]
    for node in [flatten, *links[:-1]]:
        graph.set_origin(node.name, None)
        graph.replace_node(node.name)
    images = []
    for node, name in zip(links, names):
        images.append(replace(node, name=name, inputs=(value,)))
        value = name
    graph.replace_node(links[-1].name, *images, Node(links[-1].name, "flatten", (value,)))
