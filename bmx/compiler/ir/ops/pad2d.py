"""pad2d: an image with zeros, or its outermost pixels again, around it."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, boolean, expect_rank, integers
from bmx.compiler.ir.ops.windows import from_channels_last, image_sizes, image_type, to_channels_last


class Pad2D(Operator):
    """`padding` [top, bottom, left, right] around an image: zeros, or with `edge` its nearest pixels.

    Bits have no 0, so of them only with `edge`.
    """

    name = "pad2d"
    reads = ("f32", "bits")
    attributes = {"padding": integers(0, count=4), "edge": boolean(False)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """A larger image."""
        expect_rank(node, x, 3)
        if x.dtype == "bits" and not node.attrs["edge"]:
            raise GraphError(f"node {node.name!r}: bits have no 0, pad2d of bits should have edge true.")
        height, width, channels = image_sizes(x, layout)
        top, bottom, left, right = node.attrs["padding"]
        return image_type(x.dtype, top + height + bottom, left + width + right, channels, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """NumPy's own padding."""
        top, bottom, left, right = node.attrs["padding"]
        images, widths = to_channels_last(x, layout), [(0, 0), (top, bottom), (left, right), (0, 0)]
        padded = np.pad(images, widths, "edge") if node.attrs["edge"] else np.pad(images, widths)
        return from_channels_last(padded, layout)
