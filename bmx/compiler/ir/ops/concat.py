"""concat: several values side by side along the channels."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from bmx.compiler.ir.graph import GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import Operator, channel_axis


class Concat(Operator):
    """The channels of all inputs, in order; other axes are equal."""

    name = "concat"
    arity = None

    def infer_all(self, node: Node, inputs: Sequence[ValueType], layout: str) -> ValueType:
        """As many channels as the inputs have together."""
        axis = channel_axis(layout)
        shapes = [list(x.shape) for x in inputs]
        channels = [shape.pop(axis) for shape in shapes]
        if any(shape != shapes[0] for shape in shapes):
            found = ", ".join(map(str, inputs))
            raise GraphError(
                f"node {node.name!r}: concat expects shapes that are equal but for the channels, "
                f"found {found}."
            )
        shape = list(inputs[0].shape)
        shape[axis] = sum(channels)
        return ValueType("f32", tuple(shape))

    def evaluate_all(self, node: Node, inputs: Sequence[np.ndarray], layout: str) -> np.ndarray:
        """Copy."""
        return np.concatenate(inputs, axis=channel_axis(layout) % (inputs[0].ndim - 1) + 1)
