"""Ties: signs of numbers near zero and codes of numbers near a half, which rounding decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

import numpy as np

from bmx.compiler.frontend.trace import trace_net
from bmx.compiler.ir.graph import Graph, Origin
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.rounds_to_codes import rounds_to_codes
from bmx.verification.mxnet_values import MxnetValues

# A sum of a few dozen float32 terms, a batch norm and a tanh: 16 roundings of the tensor's largest value.
LAYER_ROUNDINGS = 16
# The same after many layers without a sign between them, and for the two largest values of an output.
NET_ROUNDINGS = 128
_EPSILON = float(np.finfo(np.float32).eps)


def distance_to_jump(values: np.ndarray, code: int) -> np.ndarray:
    """How far numbers are from where their sign changes, or their code of 0 to ``code`` if that is not 0.

    Codes change at halves.
    """
    if not code:
        return values
    half = np.clip(np.floor(values.astype(np.float64)), 0, code - 1) + 0.5
    return (values - half).astype(np.float32)


def near_jump(distance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where numbers are at a jump to within a layer's rounding; bool [batch, ...], as ``values``.

    Exact zeros (of a ReLU, of an empty image) are zero everywhere, so they do not count.
    """
    return (values != 0) & (np.abs(distance) <= _roundings(values, LAYER_ROUNDINGS, 0))


def near_jump_in_net(distance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same where the inputs of the layer have been rounded, too.

    All values of a sample may be small then, so a rounding is one of at least 1; and sums that are zero in
    one order of their terms need not be in another.
    """
    return np.abs(distance) <= _roundings(values, NET_ROUNDINGS, 1)


def _roundings(values: np.ndarray, count: int, least: float) -> np.ndarray:
    """As many roundings of each sample's largest value, [batch, 1, ...]."""
    largest = np.maximum(least, np.abs(values).reshape(len(values), -1).max(axis=1))
    bound: np.ndarray = count * _EPSILON * largest.reshape((-1,) + (1,) * (values.ndim - 1))
    return bound


def same_maximum(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Whether the largest value has the same place, or lies above the other's choice by roundings only.

    Args:
        expected: MXNet's values, [batch, ...].
        actual: the packed file's values, [batch, ...].

    Returns:
        bool [batch].
    """
    rows = expected.reshape(len(expected), -1)
    other = actual.reshape(len(actual), -1).argmax(axis=1)
    gap = rows.max(axis=1) - rows[np.arange(len(rows)), other]
    return gap <= NET_ROUNDINGS * _EPSILON * np.maximum(1, np.abs(rows).max(axis=1))


def find_ties(net: Any, samples: Sequence[np.ndarray]) -> np.ndarray:
    """Find the samples that bring the input of a sign near zero, or that of a code near a half.

    Args:
        net: a HybridBlock.
        samples: one array [batch, ...] per input.

    Returns:
        bool [batch].
    """
    shapes = [array.shape[1:] for array in samples]
    origins = _rounded_inputs(trace_net(net, [(1, *shape) for shape in shapes]))
    tied = np.zeros(len(samples[0]), dtype=bool)
    values = MxnetValues(net, shapes).run(origins, samples)
    for origin in origins:
        value = values[origin.node, origin.output]
        tied |= near_jump(distance_to_jump(value, origin.code), value).reshape(len(value), -1).any(axis=1)
    return tied


def _rounded_inputs(graph: Graph) -> list[Origin]:
    """Values whose sign or code a traced graph takes, unless computed from sums of integers alone."""
    types, producers = verify(graph), graph.producers()

    def is_exact(value: str) -> bool:
        if types[value].dtype == "i32":
            return True
        node = producers.get(value)
        follows = node is not None and (OPERATORS[node.op].is_monotone(node) or OPERATORS[node.op].selects)
        return node is not None and follows and is_exact(node.inputs[0])

    graph = rounds_to_codes(graph)
    steps = [node for node in graph.nodes if node.op in ("sign", "code") and not is_exact(node.inputs[0])]
    read = {node.name: graph.origins.get(node.inputs[0]) for node in steps}
    largest = {node.name: 2 ** node.attrs["bits"] - 1 for node in steps if node.op == "code"}
    return [replace(origin, code=largest.get(name, 0)) for name, origin in read.items() if origin]
