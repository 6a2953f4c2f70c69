"""A symbol's JSON: ``nodes`` in topological order, and ``heads``, what it returns.

Both read entries [node, output, version], a node being its place among the nodes.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Sequence

Entry = Sequence[int]


def needed(nodes: Sequence[Mapping[str, Any]], heads: Iterable[Entry]) -> set[int]:
    """The nodes that entries depend on, their own ones among them."""
    found = {head[0] for head in heads}
    for index in range(len(nodes) - 1, -1, -1):
        if index in found:
            found.update(entry[0] for entry in nodes[index]["inputs"])
    return found


def with_heads(symbol: Mapping[str, Any], heads: Sequence[Entry]) -> dict[str, Any]:
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
