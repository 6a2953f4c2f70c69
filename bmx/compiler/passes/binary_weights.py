"""Pass: real layers whose weights are +-1 times a number per filter keep a bit of each weight.

    conv2d(x, alpha * signs) + bias -> binary_weight_conv2d(x, signs) * alpha + bias

Filters of at least 8 weights that all have one magnitude and both signs hardly ever occur by chance: they are
those of a binary-weight network (arXiv:1603.05279, section 3.1).
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.small_weights import SmallWeight, binary_weight


@compiler_pass
def binary_weights(graph: Graph) -> Graph:
    """conv2d and dense of such weights -> binary_weight_conv2d or binary_weight_dense, and an affine."""
    graph = graph.copy()
    for layer in [node for node in graph.nodes if node.op in ("conv2d", "dense")]:
        weight = binary_weight(layer.constants["weight"])
        if weight:
            _replace(graph, layer, weight)
    return graph


def _replace(graph: Graph, layer: Node, weight: SmallWeight) -> None:
    constants = {"weight": weight.integers.astype(np.int8)}
    binary = Node(
        layer.name, f"binary_weight_{layer.op}", graph.producers()[layer.name].inputs, layer.attrs, constants
    )
    bias = layer.constants.get("bias", np.zeros_like(weight.scale))
    if np.all(weight.scale == 1) and not bias.any():
        graph.replace_node(layer.name, binary)
        return
    affine = Node(
        graph.unique_name(f"{layer.name}_scale"),
        "affine",
        (layer.name,),
        {},
        {"scale": weight.scale, "shift": bias},
    )
    graph.replace_uses(layer.name, affine.name)
    graph.set_origin(layer.name, None)
    graph.replace_node(layer.name, binary, affine)
