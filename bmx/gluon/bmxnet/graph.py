"""Follows values through a net's symbol, to find the batch norm that makes up for another output range."""

from __future__ import annotations

import ast
from typing import Callable, NamedTuple

import mxnet as mx
from mxnet import gluon

from bmx.gluon import symbol_json
from bmx.gluon.bmxnet.layers import layers_of
from bmx.gluon.bmxnet.ranges import SAME, Affine, added, joined
from bmx.gluon.nn.layer import QuantizedLayer
from bmx.gluon.symbol_json import Node, SymbolJson

# Called with the name of gamma, epsilon, whether gamma is fixed, and the input's relation; gives channels.
NormRule = Callable[[str, float, bool, Affine], int]

_COPIES = ("_copy", "identity", "Dropout", "BlockGrad", "make_loss")
_SUMS = ("elemwise_add", "_plus", "_Plus", "broadcast_add", "broadcast_plus", "_add", "_grad_add")
_LAYERS = ("Convolution", "FullyConnected", "QConvolution", "QFullyConnected")
# Operators that keep the number of channels, beside those above.
_KEEPS_CHANNELS = ("Activation", "LeakyReLU", "Pooling", "relu", "clip", "tanh", "sigmoid")


class TracedNet(NamedTuple):
    """A net's symbol.

    Attributes:
        symbol: nodes and heads, see `bmx.gluon.symbol_json`.
        outputs: names of binary layers by the names of the nodes that give their outputs.
        order: names of parameters as the net reads them.
    """

    symbol: SymbolJson
    outputs: dict[str, str]
    order: list[str]

    def propagate(self, outputs: dict[str, Affine], norm: NormRule) -> None:
        """Follow relations from the binary layers' outputs to batch norms.

        Args:
            outputs: relations of the outputs of binary layers, by their names.
            norm: called for every batch norm.

        Raises:
            ValueError: something else reads a value of another range, or the net returns it.
        """
        _Propagation(self, outputs, norm).run()


def trace(net: gluon.HybridBlock) -> TracedNet:
    """Record a net of one input.

    Raises:
        ValueError: a binary layer is called more than once, or not at all.
    """
    found: dict[str, list[str]] = {}
    hooks = []
    binary = [layer for layer in layers_of(net) if isinstance(layer.block, QuantizedLayer)]

    def noting(name: str) -> Callable[..., None]:
        return lambda block, inputs, out: found.setdefault(name, []).append(out.name)

    for layer in binary:
        hooks.append(layer.block.register_forward_hook(noting(layer.name)))
    try:
        symbol = net(mx.sym.var("data"))
    finally:
        for hook in hooks:
            hook.detach()
    for layer in binary:
        calls = len(found.get(layer.name, ()))
        if calls != 1:
            raise ValueError(f"load_bmxnet: {layer.title} is called {calls} times; expected once")
    outputs = {names[0]: layer for layer, names in found.items()}
    return TracedNet(symbol_json.from_symbol(symbol), outputs, symbol.list_inputs())


class _Propagation:
    """One walk over the nodes."""

    def __init__(self, traced: TracedNet, outputs: dict[str, Affine], norm: NormRule) -> None:
        self._nodes = traced.symbol["nodes"]
        self._heads = traced.symbol["heads"]
        self._layers = traced.outputs
        self._outputs = outputs
        self._norm = norm
        self._relations: list[Affine] = []
        self._channels: list[int | None] = []

    def run(self) -> None:
        for node in self._nodes:
            relation, channels = self._visit(node)
            if node["name"] in self._layers and node["op"] != "null":
                relation = self._outputs[self._layers[node["name"]]]
            self._relations.append(relation)
            self._channels.append(channels)
        for index, *_ in self._heads:
            if not self._relations[index].is_identity:
                raise self._refusal(self._relations[index], "the net returns it")

    def _visit(self, node: Node) -> tuple[Affine, int | None]:
        """Relation and channels of a node's output."""
        op, attrs = node["op"], node["attrs"]
        if op == "null":
            return SAME, None
        places = [index for index, *_ in node["inputs"]]
        inputs = [self._relations[index] for index in places]
        channels = [self._channels[index] for index in places]
        if op == "BatchNorm":
            return SAME, self._batch_norm(node, attrs, inputs[0])
        if op in _LAYERS:
            self._expect_same(node, inputs)
            return SAME, int(attrs["num_filter" if "Convolution" in op else "num_hidden"])
        carried = _carried(node, inputs, channels)
        if carried is None:
            self._expect_same(node, inputs)
            return SAME, channels[0] if op in _KEEPS_CHANNELS and inputs else None
        relation, count = carried
        if relation is None:
            raise self._refusal(next(x for x in inputs if not x.is_identity), _reads(node))
        return relation, count

    def _batch_norm(self, node: Node, attrs: dict[str, str], x: Affine) -> int:
        if attrs.get("axis", "1") != "1":
            self._expect_same(node, [x])
        gamma = self._nodes[node["inputs"][1][0]]["name"]
        fixed = attrs.get("fix_gamma", "True") in ("True", "1")
        return self._norm(gamma, float(attrs.get("eps", 1e-3)), fixed, x)

    def _expect_same(self, node: Node, inputs: list[Affine]) -> None:
        for relation in inputs:
            if not relation.is_identity:
                raise self._refusal(relation, _reads(node))

    def _refusal(self, relation: Affine, reader: str) -> ValueError:
        return ValueError(
            f"load_bmxnet: the output of the net's layer {relation.layer!r} has another range in BMXNet, and "
            f"{reader} before a batch norm could make up for it; build the layer with output_range='popcount'"
        )


def _carried(
    node: Node, inputs: list[Affine], channels: list[int | None]
) -> tuple[Affine | None, int | None] | None:
    """Relation and channels of the output of an operator that passes relations on; None for other operators.

    The relation itself is None where those of the inputs do not go together.
    """
    op, attrs = node["op"], node["attrs"]
    if op == "Concat" and attrs.get("dim", "1") == "1":
        known = [count for count in channels if count is not None]
        return joined(inputs, channels), sum(known) if len(known) == len(channels) else None
    if op == "slice_axis" and attrs.get("axis") == "1":
        return _sliced(inputs[0], channels[0], attrs)
    if op in _SUMS and len(inputs) == 2:
        return added(*inputs), channels[0] or channels[1]
    if op in _COPIES or (op == "Pooling" and _keeps_offset(attrs, inputs[0])):
        return inputs[0], channels[0]
    return None


def _reads(node: Node) -> str:
    return f"{node['op']} {node['name']!r} reads it"


def _sliced(x: Affine, channels: int | None, attrs: dict[str, str]) -> tuple[Affine | None, int | None]:
    """Relation and channels of some of the channels."""
    begin, end = (ast.literal_eval(attrs.get(key, "None")) for key in ("begin", "end"))
    count = None if channels is None else len(range(channels)[begin:end])
    if len(x.scale) == 1:
        return x, count
    return Affine(x.scale[begin:end], x.shift[begin:end], x.layer), count


def _keeps_offset(attrs: dict[str, str], x: Affine) -> bool:
    """Whether pooling a x + b is a pool(x) + b: not where zeros of the padding are part of means."""
    kind = attrs.get("pool_type", "max")
    if kind == "max" or x.is_identity:
        return True
    padded = any(ast.literal_eval(attrs.get("pad", "()")))
    return kind == "avg" and (not padded or attrs.get("count_include_pad") in ("False", "0"))
