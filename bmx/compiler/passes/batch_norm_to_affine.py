"""Pass: the batch norms that are left, those without a sign after them, become affines, folded in float64."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def batch_norm_to_affine(graph: Graph) -> Graph:
    """Replace every `batch_norm` by an `affine`."""
    graph = graph.copy()
    graph.nodes = [_affine(node) if node.op == "batch_norm" else node for node in graph.nodes]
    return graph


def _affine(node: Node) -> Node:
    gamma, beta, mean, variance = (
        node.constants[role].astype(np.float64) for role in ("gamma", "beta", "mean", "variance")
    )
    scale = gamma / np.sqrt(variance + node.attrs["epsilon"])
    constants = {
        "scale": scale.astype(np.float32),
        "shift": (beta - mean * scale).astype(np.float32),
    }
    return Node(node.name, "affine", node.inputs, {}, constants)
