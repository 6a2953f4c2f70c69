"""avg_pool2d: mean over windows."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator, boolean
from bmx.compiler.ir.ops.max_pool2d import POOL_ATTRIBUTES
from bmx.compiler.ir.ops.windows import from_channels_last, pool_output, pool_windows


class AvgPool2D(Operator):
    """The mean of each window.

    The divisor counts the positions inside the image, with `count_include_pad` also those of its padding, and
    never those that `ceil_mode` lets a window reach behind the padding.
    """

    name = "avg_pool2d"
    attributes = {**POOL_ATTRIBUTES, "count_include_pad": boolean(True)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A smaller image."""
        return pool_output(node, x, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Sum in float64, divide, round once."""
        pad_counts = float(node.attrs["count_include_pad"])
        sums = pool_windows(node, x.astype(np.float64), layout, 0.0, 0.0).sum(axis=(-2, -1))
        counts = pool_windows(node, np.ones_like(x), layout, pad_counts, 0.0).sum(axis=(-2, -1))
        return from_channels_last((sums / counts).astype(np.float32), layout)
