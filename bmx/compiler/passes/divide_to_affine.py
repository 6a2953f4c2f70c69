"""Pass: the divisions that are left, those without a sign after them, become products with reciprocals."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def divide_to_affine(graph: Graph) -> Graph:
    """Replace every `divide` by an `affine`."""
    graph = graph.copy()
    graph.nodes = [_affine(node) if node.op == "divide" else node for node in graph.nodes]
    return graph


def _affine(node: Node) -> Node:
    scale = np.float32(1) / node.constants["divisor"]
    return Node(node.name, "affine", node.inputs, {}, {"scale": scale, "shift": np.zeros_like(scale)})
