"""code: real values to unsigned integers of a few bits, until a pass has found their thresholds."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops.base import Operator, bit_count


class Code(Operator):
    """The nearest integer of 0 to 2^bits - 1; halves upwards."""

    name = "code"
    attributes = {"bits": bit_count()}
    in_file = False
    elementwise = True
    non_decreasing = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Codes, as many as input elements. Their rows are channels, which other shapes do not have."""
        if len(x.shape) not in (1, 3):
            raise GraphError(f"node {node.name!r}: code expects a vector or an image, found {x}.")
        return ValueType(f"u{node.attrs['bits']}", x.shape)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Clip, then round; NaN gives the largest code, as a comparison that fails with every threshold."""
        largest = np.float32(2 ** node.attrs["bits"] - 1)
        held = np.where(np.isnan(x), largest, np.clip(x, np.float32(0), largest))
        return round_half_away(held).astype(np.uint8)
