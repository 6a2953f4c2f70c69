"""Pass: narrow integer convolutions that read the same value are one convolution, and slices of its result.

A weight of several terms (ABC-Net, arXiv:1711.11294) is as many binary layers of one input. The kernels
compute panels of output channels, up to 64 wide depending on the instruction set; layers of fewer channels
leave theirs partly empty, and fill them side by side. On the other hand each result is copied once more, and
additions of the results no longer happen while the sums are in the cache, which costs more than it saves
where panels are full already. So only narrow layers are joined.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from bmx.compiler.ir.graph import Graph, Node, ValueType
from bmx.compiler.ir.ops.base import channel_axis
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass

_LAYERS = ("binary_conv2d", "integer_conv2d")
_MOST_CHANNELS, _MULTIPLE = 32, 8


@compiler_pass
def layers_side_by_side(graph: Graph) -> Graph:
    """Join binary_conv2d or integer_conv2d of up to 32 channels; each is read by one cast or affine alone."""
    types = verify(graph)
    graph = graph.copy()
    groups: dict[Any, list[Node]] = {}
    for node in graph.nodes:
        if node.op in _LAYERS and _is_narrow(node) and _reader(graph, node):
            weight = node.constants["weight"]
            key = (node.op, node.inputs, json.dumps(node.attrs, sort_keys=True), weight.shape[1:])
            groups.setdefault(key, []).append(node)
    for layers in groups.values():
        if len(layers) > 1:
            _join(graph, layers, types)
    return graph


def _is_narrow(layer: Node) -> bool:
    channels = len(layer.constants["weight"])
    return channels <= _MOST_CHANNELS and channels % _MULTIPLE == 0 and layer.attrs["groups"] == 1


def _reader(graph: Graph, layer: Node) -> Node | None:
    """The cast or affine that makes a layer's sums real, if nothing else reads them."""
    readers = graph.consumers(layer.name)
    if graph.uses(layer.name) == 1 and readers and readers[0].op in ("cast", "affine"):
        return readers[0]
    return None


def _join(graph: Graph, layers: list[Node], types: dict[str, ValueType]) -> None:
    readers = [reader for reader in (_reader(graph, layer) for layer in layers) if reader]
    weight = np.concatenate([layer.constants["weight"] for layer in layers])
    name = graph.unique_name(f"{layers[0].name}_joined")
    joined = replace(layers[0], name=name, constants={"weight": weight})
    pairs = [_scale_and_shift(reader, layer) for reader, layer in zip(readers, layers)]
    scale, shift = (np.concatenate(parts) for parts in zip(*pairs))
    real = Node(graph.unique_name(f"{name}_real"), "affine", (name,), {}, {"scale": scale, "shift": shift})
    graph.replace_node(layers[0].name, joined, real)
    first = 0
    for layer, reader in zip(layers, readers):
        if layer is not layers[0]:
            graph.replace_node(layer.name)
        graph.set_origin(layer.name, None)
        graph.rounded.discard(layer.name)
        last = first + len(layer.constants["weight"])
        part = _slice(reader.name, real.name, types[reader.name], channel_axis(graph.layout), first, last)
        graph.replace_node(reader.name, part)
        first = last


def _scale_and_shift(reader: Node, layer: Node) -> tuple[np.ndarray, np.ndarray]:
    if reader.op == "affine":
        return reader.constants["scale"], reader.constants["shift"]
    channels = len(layer.constants["weight"])
    return np.ones(channels, dtype=np.float32), np.zeros(channels, dtype=np.float32)


def _slice(name: str, x: str, value: ValueType, axis: int, first: int, last: int) -> Node:
    begin, end = [0] * len(value.shape), list(value.shape)
    begin[axis], end[axis] = first, last
    return Node(name, "slice", (x,), {"begin": begin, "end": end})
