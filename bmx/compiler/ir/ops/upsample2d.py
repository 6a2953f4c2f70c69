"""upsample2d: a larger image by repeating pixels."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import Node, ValueType
from bmx.compiler.ir.ops.base import Operator, expect_rank, pair
from bmx.compiler.ir.ops.windows import from_channels_last, image_sizes, image_type, to_channels_last


class Upsample2D(Operator):
    """Each pixel repeated `scale` [height, width] times: nearest-neighbour upsampling."""

    name = "upsample2d"
    attributes = {"scale": pair(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A larger image."""
        expect_rank(node, x, 3)
        height, width, channels = image_sizes(x, layout)
        down, right = node.attrs["scale"]
        return image_type(x.dtype, height * down, width * right, channels, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Repeat rows, then columns."""
        down, right = node.attrs["scale"]
        larger = to_channels_last(x, layout).repeat(down, axis=1).repeat(right, axis=2)
        return from_channels_last(larger, layout)
