"""Means, sums and maxima along axes."""

from __future__ import annotations

import math
from typing import Any, Callable, Sequence

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, affine, converter, reshape, sample_axis
from bmx.compiler.ir.graph import ValueType

# A sum of so few elements is made of slices and additions.
_FEW = 4


def _blocks(build: Builder, name: str, kind: str, x: str, kernel: list[int]) -> str:
    """Append the means, or the largest values, of blocks that tile the image."""
    attrs: dict[str, Any] = {"kernel": kernel, "strides": kernel, "padding": [0, 0], "ceil_mode": False}
    if kind == "avg":
        attrs["count_include_pad"] = True
    return build.add(name, f"{kind}_pool2d", x, attrs)


def _mean(build: Builder, name: str, x: str, axes: set[int]) -> str:
    """Means along axes, which keep one element."""
    count = math.prod(build.type(x).shape[axis] for axis in axes)
    return _weighted(build, name, x, axes, 1 / count)


def _sum(build: Builder, name: str, x: str, axes: set[int]) -> str:
    shape = build.type(x).shape
    if len(axes) == 1 and shape[min(axes)] <= _FEW:
        return _sum_of_slices(build, name, x, *axes)
    return _weighted(build, name, x, axes, 1.0)


def _weighted(build: Builder, name: str, x: str, axes: set[int], weight: float) -> str:
    """Sums along axes times a number: dense layer or 1x1 convolution over channels, otherwise pooling."""
    shape = build.type(x).shape
    if len(shape) == 1:
        return build.add(name, "dense", x, {}, {"weight": np.full((1, *shape), weight, np.float32)})
    if len(shape) == 3:
        return _weighted_image(build, name, x, axes, weight)
    count = math.prod(shape[axis] for axis in axes)
    means = _along_each(build, f"{name}_mean", "avg", x, axes)
    return affine(build, name, means, weight * count, 0.0)


def _weighted_image(build: Builder, name: str, x: str, axes: set[int], weight: float) -> str:
    shape = build.type(x).shape
    kernel = [shape[axis] if axis in axes else 1 for axis in (1, 2)]
    weight *= math.prod(kernel)
    if 0 in axes:
        pooled = x if kernel == [1, 1] else _blocks(build, f"{name}_pool", "avg", x, kernel)
        constants = {"weight": np.full((1, shape[0], 1, 1), weight, np.float32)}
        return build.add(name, "conv2d", pooled, {}, constants)
    if weight == 1:
        return _blocks(build, name, "avg", x, kernel)
    return affine(build, name, _blocks(build, f"{name}_mean", "avg", x, kernel), weight, 0.0)


def _sum_of_slices(build: Builder, name: str, x: str, axis: int) -> str:
    shape = list(build.type(x).shape)
    total = ""
    for index in range(shape[axis]):
        begin, end = [0] * len(shape), list(shape)
        begin[axis], end[axis] = index, index + 1
        part = build.add(f"{name}_{index}", "slice", x, {"begin": begin, "end": end})
        last = index == shape[axis] - 1
        total = build.add(name if last else f"{name}_to_{index}", "add", (total, part)) if total else part
    return total


def _max(build: Builder, name: str, x: str, axes: set[int]) -> str:
    shape = build.type(x).shape
    if len(shape) == 3 and 0 not in axes:
        return _blocks(build, name, "max", x, [shape[axis] if axis in axes else 1 for axis in (1, 2)])
    return _along_each(build, name, "max", x, axes)


def _along_each(build: Builder, name: str, kind: str, x: str, axes: set[int]) -> str:
    """Pool one axis after the other, as the height of an image whose width is all axes after it."""
    shape = list(build.type(x).shape)
    for axis in sorted(axes):
        before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        image = reshape(build, f"{name}_image{axis}", x, [before, shape[axis], after])
        pooled = _blocks(build, f"{name}_pool{axis}", kind, image, [shape[axis], 1])
        shape[axis] = 1
        x = reshape(build, f"{name}_axis{axis}", pooled, shape)
    return x


# (builder, name, x, axes of the sample) -> value with one element along them
_Reduce = Callable[[Builder, str, str, "set[int]"], str]


def _reduction_converter(reduce: _Reduce) -> Callable[[Attributes], Emit]:
    def read(attrs: Attributes) -> Emit:
        axes = [axis for axis in attrs.integers("axis", "()") if axis is not None]
        keepdims, exclude = attrs.boolean("keepdims", False), attrs.boolean("exclude", False)

        def emit(build: Builder, name: str, x: str) -> str:
            value = build.type(x)
            reduced = _reduced_axes(axes, exclude, value)
            if keepdims:
                return reduce(build, name, x, reduced)
            kept = [size for axis, size in enumerate(value.shape) if axis not in reduced]
            return reshape(build, name, reduce(build, f"{name}_kept", x, reduced), kept)

        return emit

    return read


_LIMITS = "not over the batch, nor over all else without `keepdims`"
converter(
    "mean",
    becomes="`avg_pool2d`; over channels `conv2d`, `dense`; `reshape` without `keepdims`",
    limits=_LIMITS,
)(_reduction_converter(_mean))
converter(
    "sum",
    becomes=f"as `mean`, and `affine`; over up to {_FEW} elements `slice`, `add`",
    limits=_LIMITS,
)(_reduction_converter(_sum))
converter("max", becomes="`max_pool2d`, `reshape`", limits=_LIMITS)(_reduction_converter(_max))


def _reduced_axes(axes: Sequence[int], exclude: bool, value: ValueType) -> set[int]:
    """The axes of a sample that a reduction is over; it must not be over the batch."""
    rank = len(value.shape) + 1
    if not axes or exclude:
        axes = [axis for axis in range(rank) if axis not in [given % rank for given in axes]]
    return {sample_axis(axis, value) for axis in axes}


@converter(
    "_contrib_AdaptiveAvgPooling2D",
    becomes="`avg_pool2d`",
    limits="`output_size` that divides height and width",
)
def _adaptive_avg_pooling(attrs: Attributes) -> Emit:
    sizes = [size for size in attrs.integers("output_size", "()") if size is not None] or [1]

    def emit(build: Builder, name: str, x: str) -> str:
        value, size = build.type(x), [sizes[0], sizes[-1]]
        image = value.shape[1:]
        if len(image) != 2 or min(size) < 1 or any(n % parts for n, parts in zip(image, size)):
            raise NotSupportedError(
                f"output_size is {tuple(sizes)} and its input is {value}; "
                "supported: sizes that divide height and width"
            )
        return _blocks(build, name, "avg", x, [n // parts for n, parts in zip(image, size)])

    return emit
