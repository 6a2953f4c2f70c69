"""Drops the parts of a symbol that only training needs: gradients and noise.

A saved net is often recorded while it trains, when quantizers carry straight-through gradients and draw at
random. The forms in which `bmx.gluon.nn` writes this are recognized by their structure, never by names.
"""

from __future__ import annotations

import ast
import operator
from typing import Callable, Sequence

import numpy as np

from bmx.gluon.symbol_json import Entry, Node, SymbolJson, with_heads

COPIES = ("identity", "_copy", "BlockGrad")

# Operators of two values of one shape -> the same with one value repeated to the other's shape
_BROADCASTING = {f"elemwise_{name}": f"broadcast_{name}" for name in ("add", "sub", "mul", "div")}
_SCALAR_FUNCTIONS: dict[str, Callable[[float, float], float]] = {
    "_plus_scalar": operator.add,
    "_equal_scalar": operator.eq,
    "_not_equal_scalar": operator.ne,
}


def drop_training_parts(
    symbol: SymbolJson, parameters: dict[str, np.ndarray]
) -> tuple[SymbolJson, dict[str, np.ndarray]]:
    """Reduce a symbol to what it computes at inference.

    - ``BlockGrad(A) + (G - BlockGrad(G))``, in either order, is A; G is finite.
    - ``where(c, A, B)`` is B where c asks whether MXNet trains: it is computed from zeros, ones and dropout.
    - ``A + zeros_like(A)`` is A.
    - ``x / broadcast_like(s, x)``, and other arithmetic, broadcasts s itself; the same with
      ``broadcast_add(s, zeros_like(x))``.

    Args:
        symbol: a recorded symbol; it is not changed.
        parameters: arrays by name.

    Returns:
        A symbol with the same inputs and outputs, and the parameters as they are.
    """
    return _Rewriter(symbol).run(), parameters


class _Rewriter:
    def __init__(self, symbol: SymbolJson) -> None:
        self._symbol = symbol
        self._nodes: list[Node] = [dict(node) for node in symbol["nodes"]]
        # Entries by the values that they stand for.
        self._values: dict[tuple[int, int], Entry] = {}
        # Nodes whose result is one number everywhere, whatever the net's input is.
        self._numbers: dict[int, float] = {}

    def run(self) -> SymbolJson:
        for index, node in enumerate(self._nodes):
            node["inputs"] = self._moved(node["inputs"])
            value = self._straight_through(node) or self._branch(node) or self._sum_with_zeros(node)
            if value is not None:
                self._values[index, 0] = value
            number = self._number(node)
            if number is not None:
                self._numbers[index] = number
            self._broadcast(node)
        heads = self._moved(self._symbol["heads"])
        return with_heads({**self._symbol, "nodes": self._nodes}, heads)

    def _moved(self, entries: Sequence[Entry]) -> list[Entry]:
        return [self._values.get((node, output), [node, output, *rest]) for node, output, *rest in entries]

    def _node(self, entry: Entry) -> Node:
        return self._nodes[entry[0]]

    def _straight_through(self, node: Node) -> Entry | None:
        """The value of BlockGrad(value) + (surrogate - BlockGrad(surrogate))."""
        if node["op"] != "elemwise_add":
            return None
        for value, gradient in (node["inputs"], node["inputs"][::-1]):
            stopped, difference = self._node(value), self._node(gradient)
            if stopped["op"] != "BlockGrad" or difference["op"] != "elemwise_sub":
                continue
            surrogate, itself = difference["inputs"]
            if self._node(itself)["op"] == "BlockGrad" and self._node(itself)["inputs"][0] == surrogate:
                found: Entry = stopped["inputs"][0]
                return found
        return None

    def _branch(self, node: Node) -> Entry | None:
        """The branch that a ``where`` takes everywhere; None if its condition depends on an input."""
        if node["op"] != "where":
            return None
        condition, if_true, if_false = node["inputs"]
        number = self._numbers.get(condition[0])
        return None if number is None else if_true if number else if_false

    def _sum_with_zeros(self, node: Node) -> Entry | None:
        """The summand that is left of a sum whose other summand is 0 everywhere."""
        if node["op"] != "elemwise_add":
            return None
        others: list[Entry] = node["inputs"][::-1]
        found = (other for entry, other in zip(node["inputs"], others) if self._numbers.get(entry[0]) == 0)
        return next(found, None)

    def _number(self, node: Node) -> float | None:
        """The number that a node's result is everywhere; None if it depends on an input."""
        if node["op"] in ("zeros_like", "ones_like"):
            return float(node["op"] == "ones_like")
        numbers = [self._numbers.get(entry[0]) for entry in node["inputs"]]
        number, attrs = (numbers or [None])[0], node["attrs"]
        if number is None:
            return None
        if node["op"] == "broadcast_add" and numbers[1] is not None:
            return number + numbers[1]
        if node["op"] in _SCALAR_FUNCTIONS:
            return float(_SCALAR_FUNCTIONS[node["op"]](number, float(ast.literal_eval(attrs["scalar"]))))
        is_dropout = node["op"] == "Dropout" and attrs.get("mode", "training") == "training"
        is_copy = node["op"] in COPIES or node["op"] == "broadcast_like" or is_dropout
        return number if is_copy or (node["op"] == "sum" and number == 0) else None

    def _broadcast(self, node: Node) -> None:
        """Let arithmetic itself repeat the smaller value that a broadcast_like repeats for it."""
        if node["op"] not in _BROADCASTING:
            return
        smaller = [self._repeated(entry) for entry in node["inputs"]]
        if smaller.count(None) == 1:
            inputs = [small or entry for small, entry in zip(smaller, node["inputs"])]
            node.update(op=_BROADCASTING[node["op"]], inputs=inputs, attrs={})

    def _repeated(self, entry: Entry) -> Entry | None:
        """The smaller value that an entry repeats to another's shape; None if it repeats none."""
        while self._node(entry)["op"] in COPIES:
            entry = self._node(entry)["inputs"][0]
        node = self._node(entry)
        adds_zeros = node["op"] == "broadcast_add" and self._numbers.get(node["inputs"][1][0]) == 0
        small: Entry | None = node["inputs"][0] if adds_zeros or node["op"] == "broadcast_like" else None
        return small
