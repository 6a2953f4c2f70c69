"""Pass: a sign and the monotone operators above it become one comparison per channel.

sign(f(x)), with f a chain such as cast, bias, batch norm and tanh, changes its value at most once as x
grows, because every operator of the chain is monotone in each channel, roundings included. The place is
found by bisection over the numbers that x can be, with f evaluated exactly as the net evaluates it; so the
bits are equal to the trained net's, ties included. Where x is a dot product this is a search over [-K, K];
where it is real, over the finite float32 numbers. An overflow inside f is held at the largest finite
number: infinity times a gamma of 0 would be NaN.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

from bmx.compiler.ir import Graph, GraphError, Node, ValueType
from bmx.compiler.numerics import float32_from_rank, rank_of_float32, sign
from bmx.compiler.ops import OPERATORS
from bmx.compiler.ops.base import channel_axis
from bmx.compiler.verifier import verify

_FINITE = np.finfo(np.float32)
_SMALLEST_RANK, _LARGEST_RANK = rank_of_float32(
    np.array([_FINITE.min, _FINITE.max], dtype=np.float32)
).tolist()

# Ranks [C] of candidate inputs -> the bits [C] of the sign, as bool.
_Bits = Callable[[np.ndarray], np.ndarray]


def signs_to_thresholds(graph: Graph) -> Graph:
    """Replace every `sign` by a `threshold` that reads from as far up as the chain is monotone.

    A value inside the chain may have other readers: it stays as it is for them. The threshold reads past it.
    """
    types = verify(graph)
    graph = graph.copy()
    for node in graph.nodes:
        if node.op == "sign":
            graph.replace_node(node.name, _threshold(graph, node, types))
    return graph


def _threshold(graph: Graph, node: Node, types: dict[str, ValueType]) -> Node:
    chain = _monotone_chain(graph, node)
    start = chain[0].inputs[0] if chain else node.inputs[0]
    channels = types[start].shape[channel_axis(graph.layout)]

    def bits(x: np.ndarray) -> np.ndarray:
        x = x[np.newaxis]
        for link in chain:
            x = np.clip(OPERATORS[link.op].evaluate(link, x, graph.layout), _FINITE.min, _FINITE.max)
        return sign(x[0]) > 0

    if types[start].dtype == "i32":
        constants = _integer_thresholds(bits, _bound(graph, start), channels)
    else:
        constants = _float_thresholds(bits, channels)
    return Node(node.name, "threshold", (start,), {}, constants)


def _monotone_chain(graph: Graph, node: Node) -> list[Node]:
    """Monotone operators above a sign, the topmost first."""
    producers = graph.producers()
    chain: list[Node] = []
    above = producers.get(node.inputs[0])
    while above and OPERATORS[above.op].is_monotone(above):
        chain.insert(0, above)
        above = producers.get(above.inputs[0])
    return chain


def _bound(graph: Graph, value: str) -> int:
    """Largest magnitude of an integer value."""
    producers = graph.producers()
    node = producers[value]
    while OPERATORS[node.op].selects:
        node = producers[node.inputs[0]]
    bound = OPERATORS[node.op].bound(node)
    if bound is None:
        raise GraphError(f"node {node.name!r}: {node.op} computes integers of unknown range.")
    return bound


def _integer_thresholds(bits: _Bits, bound: int, channels: int) -> dict[str, np.ndarray]:
    def bits_of_rank(rank: np.ndarray) -> np.ndarray:
        return bits(rank.astype(np.int32))

    rank, flip = _bisect(bits_of_rank, -bound, bound, channels)
    return {"threshold": rank.astype(np.int32), "flip": flip}


def _float_thresholds(bits: _Bits, channels: int) -> dict[str, np.ndarray]:
    def bits_of_rank(rank: np.ndarray) -> np.ndarray:
        return bits(float32_from_rank(rank))

    rank, flip = _bisect(bits_of_rank, _SMALLEST_RANK, _LARGEST_RANK, channels)
    # The ranks beside those of the finite numbers are the infinities'. Adding 0 turns -0.0 into the equal
    # 0.0.
    return {"threshold": float32_from_rank(rank) + np.float32(0), "flip": flip}


def _bisect(bits: _Bits, low: int, high: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds [C] and flips [C] that give the same bits on [low, high].

    Where the bit is 1 from some x on, the threshold is that x. Where it is 1 up to some x, the channel is
    flipped and the threshold is that x. Where it is always 1, the threshold is low - 1; where it never is,
    high + 1.
    """
    first, last = np.full(channels, low, dtype=np.int64), np.full(channels, high, dtype=np.int64)
    at_low, at_high = bits(first), bits(last)
    flip = at_low & ~at_high
    # Invariant: left of `first` the bit is as at low, and from `last` on it is as at high.
    last = np.where(at_low == at_high, first, last)
    while np.any(first < last):
        middle = (first + last) // 2
        changed = bits(middle) == at_high
        last = np.where(changed, middle, last)
        first = np.where(changed, first, middle + 1)
        first = np.minimum(first, last)
    constant = np.where(at_low, low - 1, high + 1)
    return np.where(at_low == at_high, constant, last - flip), flip
