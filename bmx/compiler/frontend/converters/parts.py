"""Operators that join values, cut pieces out of them, and make images larger."""

from __future__ import annotations

from typing import Sequence

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, converter, reshape, sample_axis
from bmx.compiler.ir.graph import ValueType


@converter(
    "Concat", "concat", becomes="`concat`", limits="computed values, along the channels", inputs="computed"
)
def _concat(attrs: Attributes) -> Emit:
    attrs.ignore("num_args")
    dim = attrs.integer("dim", 1)

    def emit(build: Builder, name: str, *values: str) -> str:
        first = build.type(values[0])
        if sample_axis(dim, first) != 0:
            raise NotSupportedError(f"dim is {dim} and its inputs are batches of {first}; supported: 1")
        return build.add(name, "concat", values) if len(values) > 1 else build.add(name, "identity", values)

    return emit


def _slice(build: Builder, name: str, x: str, ranges: Sequence[tuple[int, int]]) -> str:
    """Append a slice with one range per axis of the sample."""
    value = build.type(x)
    if list(ranges) == [(0, size) for size in value.shape]:
        return build.add(name, "identity", x)
    begin, end = (list(bounds) for bounds in zip(*ranges))
    return build.add(name, "slice", x, {"begin": begin, "end": end})


def _slice_one(build: Builder, name: str, x: str, axis: int, begin: int, end: int) -> str:
    ranges = [(0, size) for size in build.type(x).shape]
    ranges[axis] = (begin, end)
    return _slice(build, name, x, ranges)


def _bounds(begin: int | None, end: int | None, size: int) -> tuple[int, int]:
    """A range as MXNet writes it: None is the whole axis's bound, and negative bounds count from the end."""
    first, last, _ = slice(begin, end).indices(size)
    return first, last


@converter("slice_axis", becomes="`slice`", limits="`axis` is not the batch's")
def _slice_axis(attrs: Attributes) -> Emit:
    axis, (begin,), (end,) = (
        attrs.integer("axis", 0),
        attrs.integers("begin", "0"),
        attrs.integers("end", "None"),
    )

    def emit(build: Builder, name: str, x: str) -> str:
        value = build.type(x)
        at = sample_axis(axis, value)
        return _slice_one(build, name, x, at, *_bounds(begin, end, value.shape[at]))

    return emit


@converter("slice", becomes="`slice`", limits="the whole batch, steps of 1")
def _slice_all(attrs: Attributes) -> Emit:
    begin, end, step = (attrs.integers(key, "()") for key in ("begin", "end", "step"))
    if any(size not in (None, 1) for size in step):
        raise NotSupportedError(f"step is {tuple(step)}; supported: steps of 1")
    if len(begin) != len(end):
        raise NotSupportedError(f"begin and end, {begin} and {end}, should have as many entries")
    if begin and (begin[0] not in (None, 0) or end[0] is not None):
        raise NotSupportedError(
            f"it takes samples {begin[0]} to {end[0]} of the batch; supported: all of them"
        )

    def emit(build: Builder, name: str, x: str) -> str:
        value = build.type(x)
        if len(begin) > len(value.shape) + 1:
            raise NotSupportedError(f"begin has {len(begin)} entries for a batch of {value}")
        given = [_bounds(first, last, size) for first, last, size in zip(begin[1:], end[1:], value.shape)]
        return _slice(build, name, x, [*given, *((0, size) for size in value.shape[len(given) :])])

    return emit


def _emit_parts(build: Builder, name: str, x: str, axis: int, starts: list[int], squeeze: bool) -> list[str]:
    """One slice per part of an axis; a part starts where the one before it ends."""
    size = build.type(x).shape[axis]
    parts = []
    for number, (begin, end) in enumerate(zip(starts, [*starts[1:], size])):
        part = _slice_one(build, f"{name}_{number}", x, axis, begin, end)
        parts.append(_without(build, f"{name}_{number}_squeeze", part, axis) if squeeze else part)
    return parts


def _without(build: Builder, name: str, x: str, axis: int) -> str:
    shape = build.type(x).shape
    if shape[axis] != 1:
        raise NotSupportedError(f"squeeze_axis is True and a part has {shape[axis]} elements; supported: 1")
    return reshape(build, name, x, [*shape[:axis], *shape[axis + 1 :]])


def _equal_starts(value: ValueType, axis: int, count: int) -> list[int]:
    size = value.shape[axis]
    if count < 1 or size % count:
        raise NotSupportedError(f"it splits {size} elements into {count} parts; supported: equal parts")
    return list(range(0, size, size // count))


@converter("SliceChannel", "split", becomes="`slice` for each output", limits="`axis` is not the batch's")
def _slice_channel(attrs: Attributes) -> Emit:
    count, axis = attrs.integer("num_outputs", 1), attrs.integer("axis", 1)
    squeeze = attrs.boolean("squeeze_axis", False)

    def emit(build: Builder, name: str, x: str) -> list[str]:
        value = build.type(x)
        at = sample_axis(axis, value)
        return _emit_parts(build, name, x, at, _equal_starts(value, at, count), squeeze)

    return emit


@converter("_split_v2", becomes="`slice` for each output", limits="`axis` is not the batch's")
def _split_v2(attrs: Attributes) -> Emit:
    count, axis = attrs.integer("sections", 0), attrs.integer("axis", 1)
    starts = [start or 0 for start in attrs.integers("indices", "()")]
    squeeze = attrs.boolean("squeeze_axis", False)

    def emit(build: Builder, name: str, x: str) -> list[str]:
        value = build.type(x)
        at = sample_axis(axis, value)
        return _emit_parts(build, name, x, at, _equal_starts(value, at, count) if count else starts, squeeze)

    return emit


@converter(
    "Pad",
    "pad",
    becomes="`pad2d`",
    limits="`mode` edge, or constant with `constant_value` 0; height and width only",
)
def _pad(attrs: Attributes) -> Emit:
    mode = attrs.choice("mode", "constant", ("constant", "edge"))
    value = attrs.number("constant_value", 0.0)
    width = [size or 0 for size in attrs.integers("pad_width", "()")]
    if value != 0 and mode == "constant":
        raise NotSupportedError(f"constant_value is {value:g}; supported: 0")
    if len(width) != 8 or any(width[:4]) or min(width) < 0:
        raise NotSupportedError(
            f"pad_width is {tuple(width)}; supported: (0, 0, 0, 0, top, bottom, left, right)"
        )

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, "pad2d", x, {"padding": width[4:], "edge": mode == "edge"})

    return emit


@converter("UpSampling", becomes="`upsample2d`", limits="`sample_type` nearest, one input")
def _up_sampling(attrs: Attributes) -> Emit:
    attrs.choice("sample_type", "", ("nearest",))
    attrs.choice("num_args", "1", ("1",))
    attrs.ignore("multi_input_mode", "num_filter", "workspace")
    scale = attrs.integer("scale", 1)

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, "upsample2d", x, {"scale": [scale, scale]})

    return emit
