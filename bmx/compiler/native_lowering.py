"""Binary layers that were recorded in the native lowering, as bmx's own operators again.

A saved net is often recorded while it trains, when a binary layer is composed of MXNet's operators. What
`bmx.gluon.nn` composes is recognised here by its structure, never by names, and replaced by the one operator
that the operator lowering records; what is not recognised stays, and the compiler lists it.
"""

from __future__ import annotations

import ast
import copy
from typing import Any, Iterator, Mapping

import numpy as np

_Node = Any  # a node of a symbol's JSON: op, name, attrs, inputs


def to_operator_lowering(symbol: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Replace what the native lowering composes by QActivation, QConvolution and QFullyConnected.

    Args:
        symbol: what a symbol's ``tojson()`` holds; it is not changed.
        parameters: arrays by name.

    Returns:
        A symbol that computes the same values, with the same inputs and outputs.
    """
    return _Rewriter(symbol, parameters).run()


class _Rewriter:
    """Changes nodes in place, so that every reader sees the replacement, then drops what nobody reads."""

    def __init__(self, symbol: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> None:
        self._symbol = copy.deepcopy(dict(symbol))
        self._nodes: list[_Node] = self._symbol["nodes"]
        self._parameters = parameters

    def run(self) -> dict[str, Any]:
        for node in self._nodes:
            self._sign(node)
        for node in self._nodes:
            self._layer(node)
        for rewrite in (self._popcount, self._bias, self._own_sign):
            readers = self._readers()
            for node in self._nodes:
                rewrite(node, readers)
        return self._compact()

    def _sign(self, node: _Node) -> None:
        """BlockGrad(1 - 2 * (x < 0)) + (f - BlockGrad(f)), f = where(|x| <= clip, x, 0): `DetSign`."""
        if node["op"] != "elemwise_add":
            return
        value, gradient = self._inputs(node)
        below_zero = self._chain(
            value, "BlockGrad", ("_rminus_scalar", 1), ("_mul_scalar", 2), ("_lesser_scalar", 0)
        )
        if below_zero is None or gradient["op"] != "elemwise_sub":
            return
        x = below_zero["inputs"][0]
        finite, stopped = gradient["inputs"]
        if self._node(stopped)["op"] != "BlockGrad" or self._node(stopped)["inputs"][0] != finite:
            return
        clip = self._clip(self._node(finite), x)
        if clip is not None:
            self._replace(node, "QActivation", [x], {"method": "det_sign", "clip": clip})

    def _clip(self, finite: _Node, x: Any) -> str | None:
        """The clip of where(|x| <= clip, x, zeros_like(x))."""
        if finite["op"] != "where":
            return None
        passing, _, zeros = self._inputs(finite)
        magnitude = self._inputs(passing)[0] if passing["op"] == "_lesser_equal_scalar" else passing
        fits = (
            magnitude["op"] == "abs"
            and magnitude["inputs"][0] == x
            and finite["inputs"][1] == x
            and zeros["op"] == "zeros_like"
            and zeros["inputs"][0] == x
        )
        return passing["attrs"]["scalar"] if fits else None

    def _layer(self, node: _Node) -> None:
        """Convolution or FullyConnected of a sign of a parameter."""
        if node["op"] not in ("Convolution", "FullyConnected") or len(node["inputs"]) != 2:
            return
        x, weight = self._inputs(node)
        if weight["op"] != "QActivation" or self._inputs(weight)[0]["op"] != "null":
            return
        attrs = {
            **node["attrs"],
            "no_bias": "True",
            "input_quantizer": "none",
            "weight_quantizer": "det_sign",
            "weight_clip": weight["attrs"]["clip"],
            "output_range": "dot",
        }
        source = node["inputs"][0]
        if node["op"] == "Convolution":
            attrs["pad_value"] = "0"
            padding = self._padding(node, x)
            if padding is not None:
                source, attrs["pad"], attrs["pad_value"] = x["inputs"][0], *padding
        self._replace(node, f"Q{node['op']}", [source, weight["inputs"][0]], attrs)

    def _padding(self, node: _Node, x: _Node) -> tuple[str, str] | None:
        """(pad, pad_value) of a Pad that the convolution's own padding can stand for."""
        if x["op"] != "Pad" or _literal(node["attrs"].get("pad", "(0, 0)")) != (0, 0):
            return None
        width = _literal(x["attrs"].get("pad_width"))
        value = _literal(x["attrs"].get("constant_value", "0"))
        if x["attrs"].get("mode") != "constant" or not isinstance(width, tuple) or len(width) != 8:
            return None
        height = width[4]
        if width != (0, 0, 0, 0, height, height, width[6], width[6]) or value not in (-1, 0, 1):
            return None
        return str((height, width[6])), str(int(value))

    def _popcount(self, node: _Node, readers: list[int]) -> None:
        """(dot + K) * 0.5, K counted as sum(ones_like(w[0:1]))."""
        if not self._is_scalar(node, "_mul_scalar", 0.5):
            return
        (total,) = self._inputs(node)
        if total["op"] != "broadcast_add":
            return
        layer, count = self._inputs(total)
        first_row = self._chain(count, "sum", "ones_like", "slice_axis")
        if first_row is None or not self._is_layer(total["inputs"][0], readers):
            return
        bounds = [_literal(first_row["attrs"].get(key)) for key in ("axis", "begin", "end")]
        if bounds == [0, 0, 1] and first_row["inputs"][0] == layer["inputs"][1]:
            attrs = {**layer["attrs"], "output_range": "popcount"}
            self._replace(node, layer["op"], layer["inputs"], attrs, layer["name"])

    def _bias(self, node: _Node, readers: list[int]) -> None:
        """A layer plus its bias, a parameter of one axis."""
        if node["op"] != "broadcast_add" or not self._is_layer(node["inputs"][0], readers):
            return
        layer, bias = self._inputs(node)
        place = node["inputs"][1]
        if layer["op"] == "QConvolution":
            if bias["op"] != "Reshape" or _literal(bias["attrs"].get("shape")) != (1, -1, 1, 1):
                return
            place, bias = bias["inputs"][0], self._inputs(bias)[0]
        if bias["op"] == "null" and getattr(self._parameters.get(bias["name"]), "ndim", 0) == 1:
            attrs = {**layer["attrs"], "no_bias": "False"}
            self._replace(node, layer["op"], [*layer["inputs"], place], attrs, layer["name"])

    def _own_sign(self, node: _Node, readers: list[int]) -> None:
        """A sign that only one layer reads is the layer's own."""
        if node["op"] not in ("QConvolution", "QFullyConnected"):
            return
        entry, *others = node["inputs"]
        sign = self._node(entry)
        if sign["op"] == "QActivation" and readers[entry[0]] == 1:
            attrs = {**node["attrs"], "input_quantizer": "det_sign", "input_clip": sign["attrs"]["clip"]}
            self._replace(node, node["op"], [sign["inputs"][0], *others], attrs)

    def _is_layer(self, entry: Any, readers: list[int]) -> bool:
        """Whether an entry is a binary layer that has one reader and no bias yet."""
        node = self._node(entry)
        return (
            node["op"] in ("QConvolution", "QFullyConnected")
            and len(node["inputs"]) == 2
            and readers[entry[0]] == 1
        )

    def _chain(self, node: _Node, *links: Any) -> _Node | None:
        """The last node of a chain of operators, each a name or (name, scalar); None if it is another one."""
        for index, link in enumerate(links):
            if index:
                node = self._inputs(node)[0]
            op, scalar = link if isinstance(link, tuple) else (link, None)
            fits = node["op"] == op if scalar is None else self._is_scalar(node, op, scalar)
            if not fits:
                return None
        return node

    def _is_scalar(self, node: _Node, op: str, scalar: float) -> bool:
        return node["op"] == op and _literal(node.get("attrs", {}).get("scalar")) == scalar

    def _node(self, entry: Any) -> _Node:
        return self._nodes[entry[0]]

    def _inputs(self, node: _Node) -> list[_Node]:
        return [self._node(entry) for entry in node["inputs"]]

    def _replace(
        self, node: _Node, op: str, inputs: list[Any], attrs: dict[str, str], name: str | None = None
    ) -> None:
        node.update(op=op, inputs=inputs, attrs=attrs, name=name or node["name"])

    def _readers(self) -> list[int]:
        """How often each node is read by what the outputs need."""
        needed = self._needed()
        counts = [0] * len(self._nodes)
        for entry in (*self._symbol["heads"], *(e for i in needed for e in self._nodes[i]["inputs"])):
            counts[entry[0]] += 1
        return counts

    def _needed(self) -> set[int]:
        needed = {head[0] for head in self._symbol["heads"]}
        for index in range(len(self._nodes) - 1, -1, -1):
            if index in needed:
                needed.update(entry[0] for entry in self._nodes[index]["inputs"])
        return needed

    def _compact(self) -> dict[str, Any]:
        """Without the nodes that no output needs."""
        needed = sorted(self._needed())
        place = {old: new for new, old in enumerate(needed)}

        def moved(entries: list[Any]) -> Iterator[list[int]]:
            return ([place[index], *rest] for index, *rest in entries)

        nodes = [{**self._nodes[old], "inputs": list(moved(self._nodes[old]["inputs"]))} for old in needed]
        return {
            "nodes": nodes,
            "arg_nodes": [index for index, node in enumerate(nodes) if node["op"] == "null"],
            "heads": list(moved(self._symbol["heads"])),
            "attrs": self._symbol.get("attrs", {}),
        }


def _literal(text: Any) -> Any:
    """An attribute's value; None if it is no number or tuple."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return None
