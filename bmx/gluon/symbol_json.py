"""The one reader of MXNet's symbol JSON, and what everybody does with it.

A symbol is a dict: ``nodes`` in topological order, and ``heads``, what it returns. Each node has ``op``
("null" for a variable), ``name``, ``inputs`` and ``attrs``, a dict of strings that may be empty; older files
call it ``attr`` or ``param``, or have two of them. Inputs and heads are entries [node, output, version], the
node being its index among the nodes.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterable, Iterator, Mapping, Sequence

Entry = Sequence[int]
Node = Dict[str, Any]
SymbolJson = Dict[str, Any]

# In the order of MXNet's versions; where a node has several, the later one wins.
_ATTRIBUTE_KEYS = ("attr", "param", "attrs")


def from_symbol(symbol: Any) -> SymbolJson:
    """Read a symbol of ``mxnet.sym``."""
    return from_text(symbol.tojson())


def from_text(text: str) -> SymbolJson:
    """Read what ``symbol.tojson()`` returns.

    Args:
        text: JSON of this or an older version of MXNet.

    Returns:
        The symbol; other keys of its nodes stay as they are.

    Raises:
        ValueError: the text is no symbol.
    """
    try:
        symbol = json.loads(text)
        nodes = [_with_attributes(node) for node in symbol["nodes"]]
        return {**symbol, "nodes": nodes, "heads": [list(entry) for entry in symbol["heads"]]}
    except (ValueError, KeyError, TypeError):
        raise ValueError("expected the JSON of a symbol of MXNet, with nodes and heads") from None


def from_file(path: str | os.PathLike) -> SymbolJson:
    """Read a file ``NAME-symbol.json``; see `from_text`.

    Raises:
        ValueError: the file cannot be read, or is no symbol.
    """
    path = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            return from_text(file.read())
    except OSError as error:
        raise ValueError(f"{path}: the symbol file cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError(f"{path}: this is not a symbol file of MXNet") from None


def attributes(node: Mapping[str, Any]) -> dict[str, str]:
    """Attributes of a node under any of the keys that MXNet has used."""
    return {name: value for key in _ATTRIBUTE_KEYS for name, value in (node.get(key) or {}).items()}


def needed(nodes: Sequence[Mapping[str, Any]], heads: Iterable[Entry]) -> set[int]:
    """Indices of the nodes that entries depend on, their own nodes included."""
    found = {head[0] for head in heads}
    for index in range(len(nodes) - 1, -1, -1):
        if index in found:
            found.update(entry[0] for entry in nodes[index]["inputs"])
    return found


def with_heads(symbol: Mapping[str, Any], heads: Sequence[Entry]) -> SymbolJson:
    """The symbol that returns ``heads``, without the nodes that these do not need."""
    nodes = symbol["nodes"]
    kept = sorted(needed(nodes, heads))
    place = {old: new for new, old in enumerate(kept)}

    def moved(entries: Iterable[Entry]) -> Iterator[list[int]]:
        return ([place[index], *rest] for index, *rest in entries)

    moved_nodes = [{**nodes[old], "inputs": list(moved(nodes[old]["inputs"]))} for old in kept]
    return {
        "nodes": moved_nodes,
        "arg_nodes": [index for index, node in enumerate(moved_nodes) if node["op"] == "null"],
        "heads": list(moved(heads)),
        "attrs": symbol.get("attrs", {}),
    }


def _with_attributes(node: Mapping[str, Any]) -> Node:
    others = {key: value for key, value in node.items() if key not in _ATTRIBUTE_KEYS}
    return {
        **others,
        "op": node["op"],
        "name": node["name"],
        "inputs": node["inputs"],
        "attrs": attributes(node),
    }
