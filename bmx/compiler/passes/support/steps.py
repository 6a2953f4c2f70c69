"""Steps: where the result of a monotone chain of operators jumps.

sign(f(x)) and code(f(x)), with f a chain such as cast, bias, batch norm and tanh, only rise or only fall as x
grows, because every operator of the chain is monotone in each channel, roundings included. The places of
their jumps are found by bisection over the numbers that x can be, with f evaluated exactly as the net
evaluates it; so comparisons with these places give the results of the trained net, ties included. Where x is
a dot product this is a search over [-K, K]; where it is real, over the finite float32 numbers. An overflow
inside f is held at the largest finite number: infinity times a gamma of 0 would be NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence

import numpy as np

from bmx.compiler.ir.graph import CODES, Graph, GraphError, Node, ValueType, largest
from bmx.compiler.ir.numerics import float32_from_rank, rank_of_float32
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES, channel_axis

FINITE = np.finfo(np.float32)
_SMALLEST_RANK, _LARGEST_RANK = rank_of_float32(np.array([FINITE.min, FINITE.max], dtype=np.float32)).tolist()
_NUMBERS = ("f32", "i32")

# Numbers [n, C] -> levels [n, C], integers from 0.
_Levels = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Steps:
    """The jumps of a chain.

    Attributes:
        start: the value that the chain begins at, f32 or i32.
        places: int64 [levels, C], ascending: the first x of each level, as integers or ranks of float32.
        Where
            ``falls`` levels are counted from the last one.
        falls: bool [C]: the level falls as x grows. Not where it is constant.
        is_real: places are ranks of float32.
        sign: the sign that a code is made of, if it is 0 for -1 and its largest for +1.
    """

    start: str
    places: np.ndarray
    falls: np.ndarray
    is_real: bool
    sign: str | None = None

    def numbers(self, places: np.ndarray) -> np.ndarray:
        """Places as numbers to compare with."""
        if not self.is_real:
            return places.astype(np.int32)
        # The ranks beside those of the finite numbers are the infinities'. Adding 0 turns -0.0 into the equal
        # 0.0.
        return float32_from_rank(places) + np.float32(0)


def find_steps(graph: Graph, node: Node, types: dict[str, ValueType]) -> Steps:
    """The jumps of a ``sign`` or ``code``, seen from as far up as it is monotone."""
    producers = graph.producers()
    chain = monotone_chain(producers, node)
    sign = producers.get(chain[0].inputs[0]) if chain else None
    coded = None
    if sign and sign.op == "sign" and node.op == "code":
        coded = sign.name if _codes_a_sign(chain, node, types[sign.name], graph.layout) else None
        chain = [*monotone_chain(producers, sign), sign, *chain]
    if chain and types[chain[0].inputs[0]].dtype not in _NUMBERS:
        chain = chain[1:]
    start = chain[0].inputs[0] if chain else node.inputs[0]
    channels, count = types[start].shape[channel_axis(graph.layout)], level_count(node)
    is_real = types[start].dtype == "f32"
    low, high = (_SMALLEST_RANK, _LARGEST_RANK) if is_real else _range(producers, start, types)

    def levels(rank: np.ndarray) -> np.ndarray:
        x = float32_from_rank(rank) if is_real else rank.astype(np.int32)
        return run_chain(chain, node, x, graph.layout)

    places, falls = _bisect(levels, low, high, count, channels)
    return Steps(start, places, falls, is_real, coded)


def _codes_a_sign(chain: list[Node], node: Node, bits: ValueType, layout: str) -> bool:
    """Whether a code of bits is 0 for -1 and its largest for +1, in every channel."""
    signs = np.repeat(np.array([[-1], [1]], dtype=np.int8), bits.shape[channel_axis(layout)], axis=1)
    return bool(np.all(run_chain(chain, node, signs, layout) == [[0], [level_count(node)]]))


def equal_value(graph: Graph, node: Node, types: dict[str, ValueType]) -> str | None:
    """The bits or codes that a ``sign`` or ``code`` only recovers from a cast; None if there are none."""
    chain = monotone_chain(graph.producers(), node)
    start = chain[0].inputs[0] if chain else node.inputs[0]
    dtype = types[start].dtype
    if dtype != types[node.name].dtype:
        return None
    channels = types[start].shape[channel_axis(graph.layout)]
    all_values = np.arange(largest(dtype) + 1) if dtype in CODES else np.array([-1, 1])
    x = np.repeat(all_values[:, np.newaxis], channels, axis=1).astype(NUMPY_DTYPES[dtype])
    levels = run_chain(chain, node, x, graph.layout)
    return start if np.array_equal(levels, x if dtype in CODES else x > 0) else None


def monotone_chain(producers: dict[str, Node], node: Node) -> list[Node]:
    """The monotone operators directly above a node, topmost first."""
    chain: list[Node] = []
    above = producers.get(node.inputs[0])
    while above and OPERATORS[above.op].is_monotone(above):
        chain.insert(0, above)
        above = producers.get(above.inputs[0])
    return chain


def run_chain(chain: Sequence[Node], last: Node, x: np.ndarray, layout: str) -> np.ndarray:
    """Levels [n, C], from 0, that a sign or code at the end of a chain gives to numbers [n, C]."""
    for link in chain:
        x = np.clip(OPERATORS[link.op].evaluate(link, x, layout), FINITE.min, FINITE.max)
    result = OPERATORS[last.op].evaluate(last, x, layout)
    return (result > 0).astype(np.uint8) if last.op == "sign" else result


def level_count(node: Node) -> int:
    """Number of levels of a sign or code above the lowest."""
    return 1 if node.op == "sign" else int(2 ** node.attrs["bits"] - 1)


def _range(producers: dict[str, Node], value: str, types: dict[str, ValueType]) -> tuple[int, int]:
    """The least and the largest that an integer value can be."""
    node = producers[value]
    while OPERATORS[node.op].selects:
        node = producers[node.inputs[0]]
    bound = OPERATORS[node.op].bound(node, types[node.inputs[0]])
    if bound is None:
        raise GraphError(f"node {node.name!r}: {node.op} computes integers of unknown range.")
    return -bound, bound


def _bisect(levels: _Levels, low: int, high: int, count: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Places [count, C] and falls [C] on [low, high].

    A level that is always reached has the place low - 1, one that never is has high + 1.
    """
    first = np.full((count, channels), low, dtype=np.int64)
    last = np.full((count, channels), high, dtype=np.int64)
    at_low, at_high = levels(first)[:1], levels(last)[:1]
    falls = at_low > at_high
    wanted = np.arange(1, count + 1)[:, np.newaxis]

    def reached(rank: np.ndarray) -> np.ndarray:
        found = levels(rank)
        return np.where(falls, count - found, found) >= wanted

    always, ever = reached(first), reached(last)
    # Invariant: the place lies in [first, last].
    last = np.where(always | ~ever, first, last)
    while np.any(first < last):
        middle = (first + last) // 2
        is_reached = reached(middle)
        last = np.where(is_reached, middle, last)
        first = np.minimum(np.where(is_reached, first, middle + 1), last)
    return np.where(always, low - 1, np.where(ever, last, high + 1)), falls[0]
