"""Pass: zeros around an image become the padding of its readers, if all of them are real convolutions.

A binary convolution reads signs, and the sign of a padded zero is +1: there the zeros stay where they are.
"""

from __future__ import annotations

from dataclasses import replace

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def pads_into_convolutions(graph: Graph) -> Graph:
    """conv2d(pad2d(x)) -> conv2d(x), where opposite sides have as many zeros and nothing else reads them."""
    graph = graph.copy()
    for pad in [node for node in graph.nodes if node.op == "pad2d" and not node.attrs["edge"]]:
        top, bottom, left, right = pad.attrs["padding"]
        readers = graph.consumers(pad.name)
        if (top, left) != (bottom, right) or pad.name in graph.outputs:
            continue
        if not readers or any(node.op != "conv2d" for node in readers):
            continue
        for node in readers:
            graph.replace_node(node.name, _padded(node, pad.inputs[0], top, left))
        graph.replace_node(pad.name)
    return graph


def _padded(conv: Node, x: str, top: int, left: int) -> Node:
    height, width = conv.attrs["padding"]
    return replace(conv, inputs=(x,), attrs={**conv.attrs, "padding": [height + top, width + left]})
