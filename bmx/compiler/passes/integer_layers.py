"""Pass: layers whose inputs are codes or signs and whose weights are integers compute with integers.

A quantized layer of the traced net is a real one on numbers that happen to be codes, perhaps times a scale
that is one number for all of them; its weight is a constant that happens to hold integers, perhaps times a
number for each filter. Sums of products of codes are exact, so

    layer(cast(codes) * scale, integers * alpha) + bias
        = cast(integer layer(codes, integers)) * scale * alpha + bias

Zero padding stays what it is, because no shift is moved. Where scale, alpha or a bias took part, the traced
net has rounded before or while it summed up; then the integers are noted in `Graph.rounded`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bmx.compiler.ir.graph import CODES, Graph, GraphError, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.binary import EXACT_IN_FLOAT32
from bmx.compiler.ir.verifier import infer, verify
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.small_weights import SmallWeight, small_weight


class _Codes(NamedTuple):
    """What a layer reads: codes or bits, times a number; flattened on the way or not."""

    value: str
    scale: float
    flattened: bool


@compiler_pass
def integer_layers(graph: Graph) -> Graph:
    """conv2d and dense on codes -> integer_conv2d, integer_dense or their binary kind, a cast and a scale."""
    types = verify(graph)
    graph = graph.copy()
    for name in [node.name for node in graph.nodes if node.op in ("conv2d", "dense")]:
        layer = graph.producers()[name]
        codes = _codes(graph, layer.inputs[0], types)
        weight = small_weight(layer.constants["weight"]) if codes else None
        if codes and weight:
            _replace(graph, layer, codes, weight, types)
    return graph


def _codes(graph: Graph, value: str, types: dict[str, ValueType]) -> _Codes | None:
    """The codes that a real value is made of."""
    producers, scale, flattened = graph.producers(), 1.0, False
    node = producers.get(value)
    while node:
        x = node.inputs[0]
        if node.op == "cast" and types[x].dtype in ("bits", *CODES):
            return _Codes(x, scale, flattened)
        if node.op == "affine" and _is_one_scale(node):
            scale *= float(node.constants["scale"][0])
        elif node.op == "flatten":
            flattened = True
        else:
            return None
        node = producers.get(x)
    return None


def _is_one_scale(affine: Node) -> bool:
    """Whether an affine multiplies everything with one number that is not 0, and adds nothing."""
    scale, shift = affine.constants["scale"], affine.constants["shift"]
    return bool(scale[0] != 0 and np.all(scale == scale[0]) and not shift.any())


def _replace(
    graph: Graph, layer: Node, codes: _Codes, weight: SmallWeight, types: dict[str, ValueType]
) -> None:
    nodes, value, known = [], codes.value, dict(types)
    if codes.flattened and len(types[value].shape) > 1:
        nodes.append(Node(graph.unique_name(f"{layer.name}_flatten"), "flatten", (value,)))
        value = nodes[0].name
        known[value] = infer(nodes[0], known, graph.layout)
    integer = _integer_layer(layer, value, known[value].dtype, weight)
    try:
        known[layer.name] = infer(integer, known, graph.layout)
    except GraphError:  # sums may leave 32 bits
        return
    bound = OPERATORS[integer.op].bound(integer, known[value])
    cast = Node(graph.unique_name(f"{layer.name}_cast"), "cast", (layer.name,))
    affine = _affine(layer, weight.scale.astype(np.float64) * codes.scale)
    origin = graph.origins.get(layer.name)
    graph.replace_uses(layer.name, affine.name if affine else cast.name)
    nodes += [integer, cast, affine] if affine else [integer, cast]
    graph.replace_node(layer.name, *nodes)
    graph.set_origin(layer.name, None if affine else origin)
    if affine or bound is None or bound >= EXACT_IN_FLOAT32:
        graph.rounded.add(layer.name)


def _integer_layer(layer: Node, value: str, dtype: str, weight: SmallWeight) -> Node:
    is_binary = dtype == "bits" and weight.is_binary
    attrs = {**layer.attrs, "pad_value": 0} if is_binary and layer.op == "conv2d" else layer.attrs
    constants = {"weight": weight.integers.astype(np.int8) if is_binary else weight.integers}
    return Node(layer.name, f"{'binary' if is_binary else 'integer'}_{layer.op}", (value,), attrs, constants)


def _affine(layer: Node, scale: np.ndarray) -> Node | None:
    """Scale and bias after a layer; None if there are none."""
    bias = layer.constants.get("bias", np.zeros(len(scale), dtype=np.float32))
    if np.all(scale == 1) and not bias.any():
        return None
    constants = {"scale": scale.astype(np.float32), "shift": bias}
    return Node(f"{layer.name}_scale", "affine", (f"{layer.name}_cast",), {}, constants)
