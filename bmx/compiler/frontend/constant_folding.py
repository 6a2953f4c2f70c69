"""Computes once, when a net is recorded, all that depends on parameters alone.

Quantizers of weights, their scales and any other arithmetic of parameters become arrays, as MXNet computes
them. The compiler sees the codes of a weight, not how they were made.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

import numpy as np

from bmx.compiler.frontend.evaluation import evaluate_symbol
from bmx.compiler.frontend.training_parts import COPIES
from bmx.compiler.ir.graph import unique_name
from bmx.gluon.symbol_json import Entry, Node, SymbolJson, needed, with_heads

_Output = Tuple[int, int]  # a node and which of its outputs
# A symbol's JSON and parameters by name -> the values of its heads.
Evaluate = Callable[[SymbolJson, Mapping[str, np.ndarray]], Sequence[np.ndarray]]

_RANDOM = re.compile(
    "random|sample|shuffle|normal|uniform|bernoulli|multinomial|gumbel|exponential|choice|dropout"
)


def fold_constants(
    symbol: SymbolJson, parameters: dict[str, np.ndarray], evaluate: Evaluate = evaluate_symbol
) -> tuple[SymbolJson, dict[str, np.ndarray]]:
    """Replace values that are computed from parameters alone by further parameters.

    Args:
        symbol: a recorded symbol; it is not changed.
        parameters: float32 arrays by name.
        evaluate: computes the values of a symbol of parameters.

    Returns:
        A symbol that computes the same values, and the parameters that it reads. A new one has the name of
        the node that it replaces.

    Raises:
        ValueError: a computed array is not float32, or not finite.
    """
    return _Folder(symbol, parameters).run(evaluate)


class _Folder:
    def __init__(self, symbol: SymbolJson, parameters: Mapping[str, np.ndarray]) -> None:
        self._symbol = symbol
        self._nodes: list[Node] = symbol["nodes"]
        self._parameters = dict(parameters)
        self._constant: set[int] = set()
        for index, node in enumerate(self._nodes):
            if self._is_constant(node):
                self._constant.add(index)

    def run(self, evaluate: Evaluate) -> tuple[SymbolJson, dict[str, np.ndarray]]:
        sources = {entry: self._source(entry) for entry in self._read_constants()}
        computed = list(dict.fromkeys(s for s in sources.values() if self._nodes[s[0]]["op"] != "null"))
        part = with_heads(self._symbol, [(*source, 0) for source in computed])
        arrays = evaluate(part, self._parameters) if computed else ()
        names = {source: self._add(source, array) for source, array in zip(computed, arrays)}
        symbol = self._rewritten(sources, list(names), list(names.values()))
        kept = {node["name"] for node in symbol["nodes"] if node["op"] == "null"}
        return symbol, {name: array for name, array in self._parameters.items() if name in kept}

    def _is_constant(self, node: Node) -> bool:
        """Whether a node is a parameter, or computed from parameters alone and always to the same values."""
        if node["op"] == "null":
            return node["name"] in self._parameters
        if not all(entry[0] in self._constant for entry in node["inputs"]):
            return False
        attrs = node["attrs"]
        if not node["inputs"] and not _is_known(attrs.get("shape")):
            return False
        return not _RANDOM.search(node["op"]) and attrs.get("mode") != "always"

    def _read_constants(self) -> Iterator[_Output]:
        """Constants that the net returns, or that a node reads that is not constant itself."""
        readers = needed(self._nodes, self._symbol["heads"]) - self._constant
        read = (entry for index in sorted(readers) for entry in self._nodes[index]["inputs"])
        for node, output, *_ in (*read, *self._symbol["heads"]):
            if node in self._constant:
                yield node, output

    def _source(self, entry: _Output) -> _Output:
        """The output at the start of a chain of copies."""
        while self._nodes[entry[0]]["op"] in COPIES:
            node, output, *_ = self._nodes[entry[0]]["inputs"][0]
            entry = node, output
        return entry

    def _add(self, source: _Output, array: np.ndarray) -> str:
        """Make an array a parameter; returns its name."""
        node = self._nodes[source[0]]
        told = f"{node['name']!r} ({node['op']}) is computed from parameters alone and"
        if array.dtype != np.float32:
            raise ValueError(f"{told} should be float32, found {array.dtype}.")
        if not np.isfinite(array).all():
            raise ValueError(f"{told} holds NaN or infinity; training has diverged, or it divides by 0.")
        name = f"{node['name']}_{source[1]}" if source[1] else node["name"]
        name = unique_name(name, {*self._parameters, *(n["name"] for n in self._nodes if n is not node)})
        self._parameters[name] = array
        return name

    def _rewritten(
        self, sources: Mapping[_Output, _Output], computed: list[_Output], names: list[str]
    ) -> SymbolJson:
        """The symbol with variables in front, one for each computed array."""
        places = {source: (place, 0) for place, source in enumerate(computed)}

        def moved(entries: Sequence[Entry]) -> list[list[int]]:
            found = ((sources.get((node, output), (node, output)), rest) for node, output, *rest in entries)
            shifted = ((places.get(s, (s[0] + len(names), s[1])), rest) for s, rest in found)
            return [[*entry, *rest] for entry, rest in shifted]

        variables = [{"op": "null", "name": name, "inputs": [], "attrs": {}} for name in names]
        nodes = [{**node, "inputs": moved(node["inputs"])} for node in self._nodes]
        return with_heads({**self._symbol, "nodes": variables + nodes}, moved(self._symbol["heads"]))


def _is_known(shape: Any) -> bool:
    """Whether a shape, as MXNet writes it, has no size that is still unknown."""
    try:
        sizes = ast.literal_eval(shape)
    except (ValueError, SyntaxError, TypeError):
        return False
    return isinstance(sizes, tuple) and bool(sizes) and min(sizes) > 0
