"""Operators that move elements and compute nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Sequence

import numpy as np

from bmx.compiler.ir.graph import CODES, GraphError, Node, ValueType
from bmx.compiler.ir.ops.base import (
    Attribute,
    Elementwise,
    Operator,
    boolean,
    channel_axis,
    expect_rank,
    integer,
    integers,
    pair,
)
from bmx.compiler.ir.ops.images import from_channels_last, image_sizes, image_type, to_channels_last


class Transpose(Operator):
    """out.shape[i] = in.shape[perm[i]]; the batch axis stays in front."""

    name = "transpose"
    reads = ("f32", "bytes")
    attributes = {
        "perm": Attribute(
            "a permutation of the sample's axes",
            lambda v: isinstance(v, list) and bool(v) and sorted(v) == list(range(len(v))),
        )
    }

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_rank(node, x, len(node.attrs["perm"]))
        return ValueType(x.dtype, tuple(x.shape[axis] for axis in node.attrs["perm"]))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x.transpose(0, *(axis + 1 for axis in node.attrs["perm"]))


class Upsample2D(Operator):
    """Each pixel repeated `scale` [height, width] times: nearest-neighbor upsampling."""

    name = "upsample2d"
    signature = "f32 [H,W,C] -> f32 [H',W',C]"
    attributes = {"scale": pair(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_rank(node, x, 3)
        height, width, channels = image_sizes(x, layout)
        down, right = node.attrs["scale"]
        return image_type(x.dtype, height * down, width * right, channels, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        down, right = node.attrs["scale"]
        larger = to_channels_last(x, layout).repeat(down, axis=1).repeat(right, axis=2)
        return from_channels_last(larger, layout)


class Pad2D(Operator):
    """`padding` [top, bottom, left, right] around an image: zeros, or with `edge` its nearest pixels.

    Bits have no 0: `edge` is the only padding of theirs.
    """

    name = "pad2d"
    signature = "f32 or bits [H,W,C] -> same dtype [H',W',C]"
    reads = ("f32", "bits")
    attributes = {"padding": integers(0, count=4), "edge": boolean(False)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        expect_rank(node, x, 3)
        if x.dtype == "bits" and not node.attrs["edge"]:
            raise GraphError(f"node {node.name!r}: bits have no 0, pad2d of bits should have edge true.")
        height, width, channels = image_sizes(x, layout)
        top, bottom, left, right = node.attrs["padding"]
        return image_type(x.dtype, top + height + bottom, left + width + right, channels, layout)

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        top, bottom, left, right = node.attrs["padding"]
        images, widths = to_channels_last(x, layout), [(0, 0), (top, bottom), (left, right), (0, 0)]
        padded = np.pad(images, widths, "edge") if node.attrs["edge"] else np.pad(images, widths)
        return from_channels_last(padded, layout)


class Concat(Operator):
    """The channels of all inputs, in order; other axes are equal."""

    name = "concat"
    signature = "1 to 64 f32 [..,C] -> f32 [..,sum of C]"
    arity = None

    def infer_all(self, node: Node, inputs: Sequence[ValueType], layout: str) -> ValueType:
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
        return np.concatenate(inputs, axis=channel_axis(layout) % (inputs[0].ndim - 1) + 1)


class Slice(Operator):
    """The elements from begin to before end along each axis of the sample.

    On each axis 0 <= begin < end <= size.
    """

    name = "slice"
    attributes = {"begin": integers(0), "end": integers(1)}
    by_position = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        begin, end = node.attrs["begin"], node.attrs["end"]
        expect_rank(node, x, len(begin))
        expect_rank(node, x, len(end))
        if not all(0 <= first < last <= size for first, last, size in zip(begin, end, x.shape)):
            raise GraphError(
                f"node {node.name!r}: slice from {begin} to {end} should be ranges inside its input {x}, "
                "none of them empty."
            )
        return ValueType(x.dtype, tuple(last - first for first, last in zip(begin, end)))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        ranges = [slice(first, last) for first, last in zip(node.attrs["begin"], node.attrs["end"])]
        return x[(slice(None), *ranges)]

    def channels_last(self, node: Node) -> Node:
        """The same ranges of the reordered axes of an image."""
        moved = {key: [*v[1:], v[0]] if len(v) == 3 else v for key, v in node.attrs.items()}
        return replace(node, attrs=moved)


class ShuffleChannels(Operator):
    """The first channel of each group, then the second of each: out[c] = in[(c mod g) * C/g + c div g].

    ShuffleNet (arXiv:1707.01083), section 3.1.
    """

    name = "shuffle_channels"
    signature = "f32 [..,C] -> f32 [..,C]"
    attributes = {"groups": integer(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        channels, groups = x.shape[channel_axis(layout)], node.attrs["groups"]
        if channels % groups:
            raise GraphError(f"node {node.name!r}: {channels} channels cannot be split into {groups} groups.")
        return x

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """Transpose the matrix [groups, channels of a group] of channel numbers."""
        axis = channel_axis(layout) % (x.ndim - 1) + 1
        order = np.arange(x.shape[axis]).reshape(node.attrs["groups"], -1).T.ravel()
        return x.take(order, axis=axis)


class Reshape(Operator):
    """The elements in row-major order, under the sample shape `shape`; the batch axis stays in front."""

    # The other layout has another row-major order, which the pass to_channels_last takes care of.
    name = "reshape"
    attributes = {"shape": integers(1)}

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        shape = node.attrs["shape"]
        if math.prod(shape) != math.prod(x.shape):
            raise GraphError(f"node {node.name!r}: {x} cannot be reshaped to {shape}.")
        return ValueType(x.dtype, tuple(shape))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x.reshape(len(x), *node.attrs["shape"])


class Flatten(Operator):
    """The elements in row-major order of the logical shape."""

    # The other layout has another row-major order, as for `Reshape`.
    name = "flatten"
    signature = "any but bytes [..] -> same dtype [product]"
    reads = ("f32", "i32", "bits", *CODES)
    selects = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        return ValueType(x.dtype, (int(np.prod(x.shape)),))

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x.reshape(len(x), -1)


class Identity(Elementwise):
    """The input as it is: dropout at inference."""

    name = "identity"
    reads = ("f32", "i32", "bits")
    in_file = False
    selects = True

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        return x
