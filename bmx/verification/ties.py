"""Where MXNet's own values decide nothing: signs of numbers within rounding error of zero."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from bmx.compiler.ir import Graph, Origin
from bmx.compiler.ops import OPERATORS
from bmx.compiler.trace import trace_net
from bmx.compiler.verifier import verify
from bmx.verification.mxnet_values import MxnetValues

# A sum of a few dozen float32 terms, a batch norm and a tanh: 16 roundings of the tensor's largest value.
LAYER_ROUNDINGS = 16
# The same after many layers without a sign between them, and for two values of an output.
NET_ROUNDINGS = 128
_EPSILON = float(np.finfo(np.float32).eps)


def near_zero(values: np.ndarray) -> np.ndarray:
    """Where numbers are zero to within a layer's rounding; bool [batch, ...], as ``values``.

    Exact zeros (of a ReLU, of an empty image) are zero everywhere, so they do not count.
    """
    return (values != 0) & (np.abs(values) <= _roundings(values, LAYER_ROUNDINGS, 0))


def near_zero_in_net(values: np.ndarray) -> np.ndarray:
    """The same where the inputs of the layer have been rounded, too.

    All values of a sample may be small then, so a rounding is one of at least 1; and sums that are zero in
    one order of their terms need not be in another.
    """
    return np.abs(values) <= _roundings(values, NET_ROUNDINGS, 1)


def _roundings(values: np.ndarray, count: int, least: float) -> np.ndarray:
    """So many roundings of each sample's largest value; [batch, 1, ...]."""
    largest = np.maximum(least, np.abs(values).reshape(len(values), -1).max(axis=1))
    bound: np.ndarray = count * _EPSILON * largest.reshape((-1,) + (1,) * (values.ndim - 1))
    return bound


def same_maximum(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Whether the largest value has the same place, or lies above the other's choice by roundings only.

    Args:
        expected: [batch, ...], MXNet's.
        actual: [batch, ...], the packed file's.

    Returns:
        bool [batch].
    """
    rows = expected.reshape(len(expected), -1)
    other = actual.reshape(len(actual), -1).argmax(axis=1)
    gap = rows.max(axis=1) - rows[np.arange(len(rows)), other]
    return gap <= NET_ROUNDINGS * _EPSILON * np.maximum(1, np.abs(rows).max(axis=1))


def find_ties(net: Any, samples: Sequence[np.ndarray]) -> np.ndarray:
    """Which samples bring the input of some sign near zero.

    Args:
        net: a HybridBlock.
        samples: one array [batch, ...] per input.

    Returns:
        bool [batch].
    """
    shapes = [array.shape[1:] for array in samples]
    origins = _rounded_sign_inputs(trace_net(net, [(1, *shape) for shape in shapes]))
    tied = np.zeros(len(samples[0]), dtype=bool)
    for value in MxnetValues(net, shapes).run(origins, samples).values():
        tied |= near_zero(value).reshape(len(value), -1).any(axis=1)
    return tied


def _rounded_sign_inputs(graph: Graph) -> list[Origin]:
    """What a traced graph takes the sign of, unless it is computed from dot products of signs alone."""
    types, producers = verify(graph), graph.producers()

    def is_exact(value: str) -> bool:
        if types[value].dtype == "i32":
            return True
        node = producers.get(value)
        follows = node is not None and (OPERATORS[node.op].is_monotone(node) or OPERATORS[node.op].selects)
        return node is not None and follows and is_exact(node.inputs[0])

    signs = [node for node in graph.nodes if node.op == "sign" and not is_exact(node.inputs[0])]
    return [graph.origins[node.inputs[0]] for node in signs]
