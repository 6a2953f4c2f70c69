"""Runs single operators of the IR, and plain loops to compare them with."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import infer, with_defaults


def apply(
    op: str, x: np.ndarray, layout: str = CHANNELS_FIRST, attrs: dict | None = None, **constants: np.ndarray
) -> np.ndarray:
    """Verify and evaluate one node, and check that the result has the inferred type."""
    node = with_defaults(Node("node", op, ("x",), attrs or {}, constants))
    dtypes = {np.dtype(np.float32): "f32", np.dtype(np.int32): "i32", np.dtype(np.int8): "bits"}
    value = infer(node, {"x": ValueType(dtypes[x.dtype], x.shape[1:])}, layout)
    result = OPERATORS[op].evaluate(node, x, layout)
    assert (dtypes[result.dtype], result.shape) == (value.dtype, (len(x), *value.shape))
    return result


CONVOLUTIONS = [
    # channels, groups, kernel, strides, padding, dilation
    (1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (3, 1, (3, 3), (2, 1), (1, 0), (1, 1)),
    (31, 1, (3, 2), (1, 2), (1, 2), (1, 2)),
    (4, 2, (5, 5), (2, 2), (2, 2), (1, 1)),
    (6, 6, (3, 3), (1, 1), (2, 2), (2, 2)),
    (65, 1, (7, 7), (1, 1), (2, 1), (1, 1)),
]


def run(
    op: str,
    dtype: str,
    x: np.ndarray,
    layout: str = CHANNELS_FIRST,
    attrs: dict | None = None,
    **constants: np.ndarray,
) -> tuple[str, np.ndarray]:
    """Verify and evaluate one node; the dtype of its value and the numbers."""
    node = with_defaults(Node("node", op, ("x",), attrs or {}, constants))
    value = infer(node, {"x": ValueType(dtype, x.shape[1:])}, layout)
    result = OPERATORS[op].evaluate(node, x, layout)
    assert result.shape == (len(x), *value.shape)
    return value.dtype, result


def codes(dtype: str, shape: tuple, random: np.random.RandomState) -> np.ndarray:
    if dtype == "bits":
        return random.choice([-1, 1], shape).astype(np.int8)
    return random.randint(0, 2 ** int(dtype[1:]), shape).astype(np.uint8)
