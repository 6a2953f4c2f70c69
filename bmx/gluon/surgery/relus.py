"""ReLUs that feed signs: which can be taken out, and why others cannot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bmx.gluon.dataflow import Graph
from bmx.gluon.surgery.places import describe


@dataclass
class Relus:
    """Blocks whose values are never negative and that feed signs, each with the binary layers that it feeds.

    Attributes:
        leave: blocks to take out.
        stay: blocks that cannot be taken out.
        reasons: why they cannot.
        zeros: layers fed by a block that stays, where zeros arrive too.
    """

    leave: dict[int, set[int]] = field(default_factory=dict)
    stay: dict[int, set[int]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    zeros: set[int] = field(default_factory=set)


def search_relus(graph: Graph, blocks: list[Any], names: dict[Any, str], binary: set[int]) -> Relus:
    """Find the functions whose values are never negative and that feed signs.

    Args:
        graph: graph of the net.
        blocks: all blocks of the net.
        names: places of the blocks.
        binary: numbers of the layers that take signs.
    """
    found = Relus()
    # One at a time, from the input on: after one ReLU there may be another.
    while True:
        found.stay, found.zeros = _never_negative(graph, binary, found.leave)
        new = sorted((min(graph.of_block(i)), i) for i in found.stay if i not in found.reasons)
        if not new:
            return found
        i = new[0][1]
        reason = _why_not(graph, blocks, names, binary, i)
        if reason:
            found.reasons[i] = reason
        else:
            found.leave[i] = found.stay[i]


def _never_negative(graph: Graph, binary: set[int], gone: Any) -> tuple[dict[int, set[int]], set[int]]:
    """Follow values that are never negative up to signs.

    Args:
        graph: graph of the net.
        binary: numbers of the layers that take signs.
        gone: numbers of the blocks that count as identities.

    Returns:
        The blocks whose functions they come from, each with the layers where they arrive; the layers that
        see zeros among them.
    """
    origins = _origins(graph, gone)
    fed: dict[int, set[int]] = {}
    with_zeros = set()
    for layer in binary:
        inputs = {m for n in graph.of_block(layer) for m in graph.nodes[n].inputs}
        for m in inputs:
            if graph.nodes[m].block != layer:
                for source in origins[m].sources:
                    fed.setdefault(source, set()).add(layer)
                if origins[m].sources and origins[m].zeros:
                    with_zeros.add(layer)
    return fed, with_zeros


class _Origin(NamedTuple):
    """Where the values of a node come from if they are never negative, else nothing."""

    sources: set[int]  # blocks whose functions keep them from being negative
    zeros: bool  # whether zeros are among the values


def _origins(graph: Graph, gone: Any) -> list[_Origin]:
    """The origin of each node, blocks that are gone being identities."""
    found: list[_Origin] = []
    for node in graph.nodes:
        inputs = [found[m] for m in node.inputs]
        sources = set().union(*(origin.sources for origin in inputs))
        some, every = (f(origin.zeros for origin in inputs) for f in (any, all))
        if node.block in gone or node.passes_signs:
            found.append(_Origin(sources, some))
        elif node.function:
            found.append(_Origin({node.block}, node.is_relu))
        elif node.mixes and all(origin.sources for origin in inputs):
            found.append(_Origin(sources, some if node.multiplies else every and len(inputs) > 1))
        else:
            found.append(_Origin(set(), False))
    return found


def _why_not(graph: Graph, blocks: list[Any], names: dict[Any, str], binary: set[int], i: int) -> str:
    """Why the activation of block ``i`` has to stay; empty if it can be taken out."""
    own = graph.of_block(i)
    kind = type(blocks[i]).__name__
    if blocks[i]._children or blocks[i]._reg_params or len({graph.nodes[n].op for n in own}) > 1:
        functions = {graph.nodes[n].function for n in own} - {""}
        return f"{' and '.join(sorted(functions))} inside the code of {kind}"
    if not all(graph.nodes[n].is_relu for n in own):
        return f"{describe(blocks[i])} is not a ReLU"
    pending = list(own)
    while pending:
        n = pending.pop()
        if n in graph.outputs:
            return f"{describe(blocks[i])} feeds the net's output too"
        for m in graph.consumers[n]:
            consumer = graph.nodes[m]
            if consumer.passes_signs or consumer.is_relu:
                pending.append(m)
            elif consumer.block not in binary:
                other = blocks[consumer.block]
                return f"{describe(blocks[i])} feeds {names[other]} ({type(other).__name__}) too"
    return ""
