"""Operators that change the shape, and those that do nothing at inference."""

from __future__ import annotations

import math
from typing import Sequence

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, converter, flat, reshape, sample_axis
from bmx.compiler.ir.graph import ValueType


@converter("Flatten", "flatten", becomes="`flatten`")
def _flatten(attrs: Attributes) -> Emit:
    return lambda build, name, x: flat(build, name, x, flatten=True)


@converter(
    "Reshape",
    "reshape",
    becomes="`flatten`, `reshape`; with a transpose between two of them `shuffle_channels`",
    limits="the batch axis stays in front",
)
def _reshape(attrs: Attributes) -> Emit:
    attrs.choice("reverse", "False", ("False", "0"))
    attrs.ignore("keep_highest", "target_shape")
    codes = [code for code in attrs.integers("shape", "()") if code is not None]
    if not codes:
        raise NotSupportedError("shape is empty; supported: one code or size per axis")

    def emit(build: Builder, name: str, x: str) -> str:
        return reshape(build, name, x, reshaped(codes, build.type(x).shape))

    return emit


def reshaped(codes: Sequence[int], sample: Sequence[int]) -> list[int]:
    """The sample shape that MXNet's Reshape makes, whose codes stand for axes of the batch's shape.

    Args:
        codes: a size, 0 (copy an axis), -1 (whatever is left), -2 (copy all further axes), -3 (join two axes)
            or -4 (split an axis into the two sizes that follow).
        sample: the input's shape without the batch axis.

    Raises:
        NotSupportedError: the batch axis does not stay in front, or the sizes do not fit.
    """
    shape = _expand(list(codes), [None, *sample])
    described = f"shape is ({', '.join(map(str, codes))}) for a batch of [{', '.join(map(str, sample))}]"
    sizes = shape[1:]
    if shape[0] not in (None, -1) or None in sizes or shape.count(-1) > 1:
        raise NotSupportedError(f"{described}; supported: the batch axis stays in front, one axis of -1")
    known = math.prod(size for size in sizes if size is not None and size != -1)
    left = math.prod(sample) // known if known else 0
    result = [left if size == -1 else int(size or 0) for size in sizes]
    if math.prod(result) != math.prod(sample):
        raise NotSupportedError(f"{described}; supported: as many elements before as after")
    return result


def _expand(codes: list[int], axes: list[int | None]) -> list[int | None]:
    """The result's axes: None is the batch, -1 what is left."""
    result: list[int | None] = []
    while codes:
        code = codes.pop(0)
        if code == -2:
            result += axes
            axes = []
            continue
        count = 2 if code == -3 else 1
        if code < -4 or (code in (0, -3, -4) and len(axes) < count):
            raise NotSupportedError(f"code {code} of its shape has no axis to work on")
        taken, axes = axes[:count], axes[count:]
        if code == 0:
            result += taken
        elif code == -3:
            result.append(_product(taken))
        elif code == -4:
            result += _split(_product(taken), codes[:2])
            codes = codes[2:]
        else:
            result.append(code)
    return result


def _product(axes: list[int | None]) -> int:
    sizes = [size for size in axes if size is not None]
    if len(sizes) < len(axes):
        raise NotSupportedError("its shape joins or splits the batch axis; supported: the batch axis stays")
    return math.prod(sizes)


def _split(size: int, parts: Sequence[int]) -> list[int]:
    known = math.prod(part for part in parts if part != -1)
    if len(parts) == 2 and known > 0 and size % known == 0:
        sizes = [size // known if part == -1 else part for part in parts]
        if math.prod(sizes) == size:
            return sizes
    raise NotSupportedError(f"code -4 of its shape cannot split {size} into {tuple(parts)}")


@converter("expand_dims", becomes="`reshape`", limits="the batch axis stays in front")
def _expand_dims(attrs: Attributes) -> Emit:
    axis = attrs.integer("axis", 0)

    def emit(build: Builder, name: str, x: str) -> str:
        shape = build.type(x).shape
        rank = len(shape) + 2
        if not -rank < axis < rank or axis == 0:
            raise NotSupportedError(f"axis {axis} would come before the batch; supported: after it")
        at = axis % rank - 1
        return reshape(build, name, x, [*shape[:at], 1, *shape[at:]])

    return emit


@converter("squeeze", becomes="`reshape`", limits="not the batch's axis")
def _squeeze(attrs: Attributes) -> Emit:
    axes = [axis for axis in attrs.integers("axis", "None") if axis is not None]

    def emit(build: Builder, name: str, x: str) -> str:
        value = build.type(x)
        # Without axes MXNet drops a batch of 1 too; a packed file always has the batch's axis.
        dropped = {sample_axis(axis, value) for axis in axes} if axes else _axes_of_1(value)
        if any(value.shape[axis] != 1 for axis in dropped):
            raise NotSupportedError(f"its axes {tuple(axes)} of a batch of {value} are not all of size 1")
        return reshape(build, name, x, [n for axis, n in enumerate(value.shape) if axis not in dropped])

    return emit


def _axes_of_1(value: ValueType) -> set[int]:
    return {axis for axis, size in enumerate(value.shape) if size == 1}


def _emit_transpose(build: Builder, name: str, x: str, perm: list[int]) -> str:
    return build.add(name, "transpose", x, {"perm": perm})


@converter("transpose", becomes="`transpose`", limits="the batch axis stays in front")
def _transpose(attrs: Attributes) -> Emit:
    axes = [axis for axis in attrs.integers("axes", "()") if axis is not None]
    if not axes or axes[0] != 0:
        raise NotSupportedError(f"axes is {tuple(axes)}; supported: the batch axis stays in front")

    def emit(build: Builder, name: str, x: str) -> str:
        return _emit_transpose(build, name, x, [sample_axis(axis, build.type(x)) for axis in axes[1:]])

    return emit


@converter("SwapAxis", becomes="`transpose`", limits="the batch axis stays in front")
def _swap_axis(attrs: Attributes) -> Emit:
    axes = attrs.integer("dim1", 0), attrs.integer("dim2", 0)

    def emit(build: Builder, name: str, x: str) -> str:
        value = build.type(x)
        first, second = (sample_axis(axis, value) for axis in axes)
        perm = list(range(len(value.shape)))
        perm[first], perm[second] = second, first
        return _emit_transpose(build, name, x, perm)

    return emit


@converter("Dropout", becomes="nothing", limits="`mode` training")
def _dropout(attrs: Attributes) -> Emit:
    attrs.ignore("p", "axes", "cudnn_off")
    attrs.choice("mode", "training", ("training",))
    return _emit_identity


@converter("identity", "_copy", "BlockGrad", becomes="nothing")
def _identity(attrs: Attributes) -> Emit:
    return _emit_identity


def _emit_identity(build: Builder, name: str, x: str) -> str:
    return build.add(name, "identity", x)
