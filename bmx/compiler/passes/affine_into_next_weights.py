"""Pass: an affine before a real convolution or dense layer moves into its weight and bias.

    w * (x * scale + shift) = (w * scale) * x + sum of w * shift

The last sum is the same for every output only if the whole window lies inside the image: a shift moves only
where nothing is padded, a scale always.
"""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass


@compiler_pass
def affine_into_next_weights(graph: Graph) -> Graph:
    """conv2d(affine(x)) -> conv2d(x), and likewise for dense, where nothing else reads the value between."""
    types = verify(graph)
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op in ("conv2d", "dense")]:
        producers = graph.producers()
        layer = producers[name]
        affine = producers.get(layer.inputs[0])
        if affine is None or affine.op != "affine" or graph.uses(affine.name) > 1:
            continue
        if types[affine.inputs[0]].dtype != "f32" or (_pads(layer) and affine.constants["shift"].any()):
            continue
        graph.replace_node(affine.name)
        graph.replace_node(name, _fold(affine, layer))
    return graph


def _pads(layer: Node) -> bool:
    return any(layer.attrs.get("padding", ()))


def _fold(affine: Node, layer: Node) -> Node:
    weight = layer.constants["weight"].astype(np.float64)
    groups = layer.attrs.get("groups", 1)
    # For each output the numbers of its group's inputs, [O, I / groups, ...].
    shape = (len(weight), weight.shape[1]) + (1,) * (weight.ndim - 2)
    scale, shift = (
        np.repeat(affine.constants[role].astype(np.float64).reshape(groups, -1), len(weight) // groups, 0)
        for role in ("scale", "shift")
    )
    constants = {"weight": (weight * scale.reshape(shape)).astype(np.float32)}
    if "bias" in layer.constants or shift.any():
        bias = layer.constants.get("bias", np.zeros(len(weight), dtype=np.float32))
        moved = (weight * shift.reshape(shape)).reshape(len(weight), -1).sum(axis=1)
        constants["bias"] = (bias + moved).astype(np.float32)
    return layer.with_inputs(*affine.inputs).with_constants(**constants)
