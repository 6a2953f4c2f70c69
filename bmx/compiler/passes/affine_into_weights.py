"""Pass: an affine after a real convolution or dense layer moves into its weight and bias."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass


@compiler_pass
def affine_into_weights(graph: Graph) -> Graph:
    """affine(conv2d(x)) -> conv2d(x), and likewise for dense, where nothing else reads the value between."""
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op == "affine"]:
        producers = graph.producers()
        affine = producers[name]
        above = producers.get(affine.inputs[0])
        if above and above.op in ("conv2d", "dense") and graph.uses(above.name) == 1:
            graph.replace_node(above.name, _fold(above, affine))
            graph.replace_uses(affine.name, above.name)
            graph.replace_node(affine.name)
    return graph


def _fold(layer: Node, affine: Node) -> Node:
    scale, shift = (affine.constants[role].astype(np.float64) for role in ("scale", "shift"))
    weight = layer.constants["weight"].astype(np.float64)
    bias = layer.constants.get("bias", np.zeros(len(scale), dtype=np.float32))
    return layer.with_constants(
        weight=(weight * scale.reshape((-1,) + (1,) * (weight.ndim - 1))).astype(np.float32),
        bias=(bias * scale + shift).astype(np.float32),
    )
