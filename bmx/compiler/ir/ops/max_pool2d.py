"""max_pool2d: maximum over windows."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator, boolean, pair
from bmx.compiler.ir.ops.windows import from_channels_last, pool_output, pool_windows

POOL_ATTRIBUTES = {
    "kernel": pair(1),
    "strides": pair(1, [1, 1]),
    "padding": pair(0, [0, 0]),
    "ceil_mode": boolean(False),
}


class MaxPool2D(Operator):
    """The largest value of each window; out-of-image positions never win. On bits this is OR."""

    name = "max_pool2d"
    reads = ("f32", "i32", "bits")
    attributes = POOL_ATTRIBUTES
    selects = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A smaller image of the input's dtype."""
        return pool_output(node, x, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Pad with the least value, which never wins because each window touches the image."""
        least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        windows = pool_windows(node, x, layout, least, least)
        return from_channels_last(windows.max(axis=(-2, -1)), layout)
