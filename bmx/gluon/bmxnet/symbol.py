"""The symbol file beside a checkpoint: it shows arguments of batch norms, bits, and lost offsets."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from bmx.gluon import symbol_json
from bmx.gluon.bmxnet.file import PACKED_HINT
from bmx.gluon.symbol_json import Entry, Node

# Operators of the first BMXNet, and what they are without binary inputs and weights.
LAYERS_V1 = {
    "QConvolution": "Convolution",
    "QConvolution_v1": "Convolution",
    "QFullyConnected": "FullyConnected",
}
_PACKED = ("BinaryInferenceConvolution", "BinaryInferenceFullyConnected")
_TRUE = ("True", "true", "1")


class NormArguments(NamedTuple):
    """Arguments of a batch norm in a symbol.

    Attributes:
        epsilon: added to the variance.
        fixed_gamma: gamma counts as 1.
    """

    epsilon: float
    fixed_gamma: bool


class SymbolFile(NamedTuple):
    """A symbol file, or none.

    Attributes:
        path: for messages; None without a file.
        nodes: nodes of the symbol, see `bmx.gluon.symbol_json`.
        heads: entries that the symbol returns.
    """

    path: str | None
    nodes: list[Node]
    heads: list[Entry]

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None) -> SymbolFile:
        """Read a file; no path gives an empty symbol.

        Raises:
            ValueError: it cannot be read or is no symbol.
        """
        if path is None:
            return cls(None, [], [])
        symbol = symbol_json.from_file(path)
        return cls(os.fspath(path), symbol["nodes"], symbol["heads"])

    def norm(self, layer: str) -> NormArguments | None:
        """Arguments of the batch norm whose gamma is `LAYER_gamma`; None if there is none."""
        for node in self.nodes:
            if node["op"] == "BatchNorm" and self.nodes[node["inputs"][1][0]]["name"] == f"{layer}_gamma":
                attrs = node["attrs"]
                return NormArguments(float(attrs.get("eps", 1e-3)), attrs.get("fix_gamma", "True") in _TRUE)
        return None

    def check(self, version: int, output_range: str) -> None:
        """Raise ValueError if the symbol's layers are not what the caller takes them for."""
        for node in self.nodes:
            problem = _problem_for(node, version)
            if problem:
                raise ValueError(f"{self.path}: {node['name']!r} {problem}")
        if output_range == "popcount" and any(map(self._has_lost_its_offset, self.nodes)):
            raise ValueError(
                f"{self.path}: binary layers give dot / 2 here, as in nets that were hybridized before they "
                "ran once; give output_range='half'"
            )

    def _has_lost_its_offset(self, node: Node) -> bool:
        """(h + 0) / 2 of a layer."""
        if node["op"] != "_div_scalar" or float(node["attrs"].get("scalar", 0)) != 2:
            return False
        source = self.nodes[node["inputs"][0][0]]
        if source["op"] != "_plus_scalar" or float(source["attrs"].get("scalar", 0)) != 0:
            return False
        return self.nodes[source["inputs"][0][0]]["op"] in LAYERS_V1.values()


def beside(path: str) -> str | None:
    """`NAME-symbol.json` of `NAME-0000.params`, if there is such a file."""
    found = re.fullmatch(r"(.*)-\d{4}\.params", path)
    symbol = f"{found[1]}-symbol.json" if found else ""
    return symbol if os.path.isfile(symbol) else None


def is_real(node: Node) -> bool:
    """Whether a layer of version 1 has real inputs and weights."""
    return _bits(node) == (32, 32)


def problem_of(node: Node) -> str | None:
    """The rest of a sentence on why a layer of version 1 cannot be loaded; None if it can."""
    attrs = node["attrs"]
    if attrs.get("binarized_weights_only", "False") in _TRUE:
        return f"has packed weights: {PACKED_HINT}"
    if not is_real(node) and _bits(node) != (1, 1):
        inputs, weights = _bits(node)
        return f"has act_bit={inputs} and weight_bit={weights}; layers with 1 and 1 can be loaded"
    if attrs.get("scaling_mode", "none") == "forward" or attrs.get("scaling_factor", "False") in _TRUE:
        return "scales its counts (scaling_mode='forward'); layers without scaling can be loaded"
    return None


def _bits(node: Node) -> tuple[int, int]:
    return int(node["attrs"].get("act_bit", 1)), int(node["attrs"].get("weight_bit", 1))


def _problem_for(node: Node, version: int) -> str | None:
    """The rest of a sentence on why a node cannot be loaded as one of a version; None if it can."""
    if node["op"] in _PACKED:
        return f"uses {node['op']}: {PACKED_HINT}"
    if node["op"] not in LAYERS_V1:
        return None
    if version != 1:
        return f"uses {node['op']}, so this is version 1; give version=1"
    return problem_of(node)
