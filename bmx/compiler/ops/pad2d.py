"""pad2d: an image with zeros around it."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir import Node, ValueType
from bmx.compiler.ops.base import Operator, expect_rank, integers
from bmx.compiler.ops.windows import from_channels_last, image_sizes, image_type, to_channels_last


class Pad2D(Operator):
    """The image with rows and columns of 0 around it: `padding` is [top, bottom, left, right]."""

    name = "pad2d"
    attributes = {"padding": integers(0, count=4)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A larger image."""
        expect_rank(node, x, 3)
        height, width, channels = image_sizes(x, layout)
        top, bottom, left, right = node.attrs["padding"]
        return image_type(x.dtype, top + height + bottom, left + width + right, channels, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Zeros and a copy."""
        top, bottom, left, right = node.attrs["padding"]
        padded = np.pad(to_channels_last(x, layout), [(0, 0), (top, bottom), (left, right), (0, 0)])
        return from_channels_last(padded, layout)
