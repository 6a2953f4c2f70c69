"""shuffle_channels: the channels of all groups interleaved."""

from __future__ import annotations

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, channel_axis, integer


class ShuffleChannels(Operator):
    """The first channel of each group, then the second of each: out[c] = in[(c mod g) * C/g + c div g].

    ShuffleNet (arXiv:1707.01083), section 3.1.
    """

    name = "shuffle_channels"
    attributes = {"groups": integer(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type."""
        channels, groups = x.shape[channel_axis(layout)], node.attrs["groups"]
        if channels % groups:
            raise GraphError(f"node {node.name!r}: {channels} channels cannot be split into {groups} groups.")
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Transpose the matrix [groups, channels of a group] of channel numbers."""
        axis = channel_axis(layout) % (x.ndim - 1) + 1
        order = np.arange(x.shape[axis]).reshape(node.attrs["groups"], -1).T.ravel()
        return x.take(order, axis=axis)
