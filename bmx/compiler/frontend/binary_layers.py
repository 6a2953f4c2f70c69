"""Rewrites signs and layers of signs in a symbol as bmx's own operators.

The native lowering composes a binary layer of MXNet's operators. The compositions that `bmx.gluon.nn` writes
are recognized by their structure, never by names; everything else stays as it is.
"""

from __future__ import annotations

import ast
from typing import Any, Mapping

import numpy as np

from bmx.compiler.frontend.training_parts import COPIES
from bmx.gluon.symbol_json import Entry, Node, SymbolJson, with_heads

_LAYERS = ("Convolution", "FullyConnected")
# Operators that pass on the bits of a sign, besides max pooling.
_KEEP_SIGNS = ("Flatten", "flatten", "Dropout", *COPIES)


def recognize_binary_layers(
    symbol: SymbolJson, parameters: dict[str, np.ndarray]
) -> tuple[SymbolJson, dict[str, np.ndarray]]:
    """Make signs QActivation, and layers of signs QConvolution and QFullyConnected.

    Args:
        symbol: a recorded symbol; it is not changed.
        parameters: arrays by name.

    Returns:
        A symbol that computes the same values, with the same inputs and outputs, and the parameters as they
        are.
    """
    return _Rewriter(symbol, parameters).run(), parameters


class _Rewriter:
    def __init__(self, symbol: SymbolJson, parameters: Mapping[str, np.ndarray]) -> None:
        self._symbol = symbol
        self._nodes: list[Node] = [dict(node) for node in symbol["nodes"]]
        self._parameters = parameters

    def run(self) -> SymbolJson:
        for node in self._nodes:
            self._sign(node)
        for node in self._nodes:
            self._layer(node)
        return with_heads({**self._symbol, "nodes": self._nodes}, self._symbol["heads"])

    def _sign(self, node: Node) -> None:
        """1 - 2 * (x < 0)."""
        entry: Entry | None = None
        for op, scalar in (("_rminus_scalar", 1), ("_mul_scalar", 2), ("_lesser_scalar", 0)):
            link = node if entry is None else self._node(entry)
            if link["op"] != op or _literal(link["attrs"].get("scalar")) != scalar:
                return
            entry = link["inputs"][0]
        node.update(op="QActivation", inputs=[entry], attrs={"method": "det_sign"})

    def _layer(self, node: Node) -> None:
        """Convolution or FullyConnected of signs with signs."""
        if node["op"] not in _LAYERS:
            return
        source, weight, *bias = node["inputs"]
        attrs = dict(node["attrs"])
        if node["op"] == "Convolution":
            attrs["pad_value"] = "0"
            padding = self._padding(node)
            if padding is not None:
                source, attrs["pad"], attrs["pad_value"] = self._node(source)["inputs"][0], *padding
        quantizer, weight = self._weight_signs(weight)
        if quantizer is None or not self._is_sign(source):
            return
        attrs.update(
            no_bias=str(not bias), input_quantizer="none", weight_quantizer=quantizer, output_range="dot"
        )
        node.update(op=f"Q{node['op']}", inputs=[source, weight, *bias], attrs=attrs)

    def _weight_signs(self, entry: Entry) -> tuple[str | None, Entry]:
        """The weight quantizer of a binary layer and its input; None if the weight is not a sign."""
        node = self._node(entry)
        if node["op"] == "QActivation" and self._node(node["inputs"][0])["op"] == "null":
            return "det_sign", node["inputs"][0]
        array = self._parameters.get(node["name"]) if node["op"] == "null" else None
        return "none" if array is not None and np.all(np.abs(array) == 1) else None, entry

    def _is_sign(self, entry: Entry) -> bool:
        """Whether a value is the bits of a sign, perhaps pooled or flattened."""
        node = self._node(entry)
        while node["op"] in _KEEP_SIGNS or _is_max_pooling(node):
            node = self._node(node["inputs"][0])
        return bool(node["op"] == "QActivation")

    def _padding(self, node: Node) -> tuple[str, str] | None:
        """(pad, pad_value) of the Pad before a convolution, if the convolution itself can pad like it."""
        x = self._node(node["inputs"][0])
        if x["op"] not in ("Pad", "pad") or _literal(node["attrs"].get("pad", "(0, 0)")) not in ((0, 0), ()):
            return None
        width = _literal(x["attrs"].get("pad_width"))
        value = _literal(x["attrs"].get("constant_value", "0"))
        if x["attrs"].get("mode") != "constant" or not isinstance(width, tuple) or len(width) != 8:
            return None
        height = width[4]
        if width != (0, 0, 0, 0, height, height, width[6], width[6]) or value not in (-1, 0, 1):
            return None
        return str((height, width[6])), str(int(value))

    def _node(self, entry: Entry) -> Node:
        return self._nodes[entry[0]]


def _is_max_pooling(node: Node) -> bool:
    return bool(node["op"] == "Pooling" and node["attrs"].get("pool_type", "max") == "max")


def _literal(text: Any) -> Any:
    """The value of an attribute; None if it is neither a number nor a tuple."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return None
