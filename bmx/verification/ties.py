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
_EPSILON = 16 * float(np.finfo(np.float32).eps)


def near_zero(values: np.ndarray) -> np.ndarray:
    """Where numbers are zero to within rounding, as bool of the same shape; the first axis is the batch's.

    Exact zeros (of a ReLU, of an empty image) are zero everywhere, so they do not count.
    """
    magnitude = np.abs(values)
    largest = magnitude.reshape(len(values), -1).max(axis=1).reshape((-1,) + (1,) * (values.ndim - 1))
    return (magnitude > 0) & (magnitude <= _EPSILON * largest)


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
