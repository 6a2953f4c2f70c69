"""What an operator of the IR is: attributes, constants, a type and a meaning in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Sequence

import numpy as np

from bmx.compiler.ir.graph import CHANNELS_FIRST, CODES, GraphError, Node, ValueType

REQUIRED = object()
# NumPy's type for values and constants of each type.
NUMPY_DTYPES = {
    "f32": np.float32,
    "i32": np.int32,
    "i16": np.int16,
    "bits": np.int8,
    "mask": np.bool_,
    "bytes": np.uint8,
    **dict.fromkeys(CODES, np.uint8),
}


@dataclass(frozen=True)
class Attribute:
    """An attribute: what it must be, in words and as a test, and its default."""

    expected: str
    accepts: Callable[[Any], bool]
    default: Any = REQUIRED


@dataclass(frozen=True)
class Constant:
    """A constant.

    Its kind is ``f32``, ``bits`` (int8 of +-1), ``mask`` (bool), ``i16`` (integers of at most 8 bits, which a
    file holds as bit planes) or ``input`` (f32 or i32, as the input). Where the last axis is that of the
    channels, a file holds one number for all of them if they have the same.

    Attributes:
        kind: see above.
        optional: whether a node may be without it.
        per_channel: whether the last axis is that of the input's channels.
        shape: the axes as docs/format.md names them; the last one is the axis that bits are packed along.
    """

    kind: str
    optional: bool = False
    per_channel: bool = False
    shape: str = "C"


# By name, in the order of their definition.
OPERATORS: dict[str, Operator] = {}


class Operator:
    """One operator. Subclasses hold no state; those with a name enter `OPERATORS` when they are defined.

    Attributes:
        name: name in the IR and in the file.
        reads: dtypes that the inputs may have.
        arity: number of inputs; None for any number of at least one.
        attributes: by name.
        constants: by role.
        in_file: whether docs/format.md has the operator; the others live only until the passes have replaced
            them.
        signature: types and shapes of inputs and result as docs/format.md writes them, where "f32 -> f32", or
            with other `reads` "... -> same dtype", does not say it all.
        elementwise: computes each element from the same element of the input and its channel's constants.
        monotone: elementwise, and in each channel either non-decreasing or non-increasing in float32, for
            all constants; `is_monotone` tells it of one node.
        non_decreasing: elementwise, and non-decreasing in every channel, for all constants.
        selects: each element of the result is an element of the input.
        by_position: works on elements by their positions alone, so that no axis has to be that of the
            channels.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ("f32",)
    arity: ClassVar[int | None] = 1
    attributes: ClassVar[dict[str, Attribute]] = {}
    constants: ClassVar[dict[str, Constant]] = {}
    in_file: ClassVar[bool] = True
    signature: ClassVar[str] = ""
    elementwise: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    non_decreasing: ClassVar[bool] = False
    selects: ClassVar[bool] = False
    by_position: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Enter the registry."""
        super().__init_subclass__()
        if "name" in cls.__dict__:
            if cls.name in OPERATORS:
                raise TypeError(f"{cls.__qualname__}: an operator of the IR is named {cls.name!r} already")
            OPERATORS[cls.name] = cls()

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """Type of the result; raises `GraphError` if input, attributes and constants do not fit."""
        raise NotImplementedError

    def evaluate(self, node: Node, x: np.ndarray, layout: str) -> np.ndarray:
        """The result for a batch. Bits are int8 arrays of +-1, codes and bytes are uint8 arrays."""
        raise NotImplementedError

    def infer_all(self, node: Node, inputs: Sequence[ValueType], layout: str) -> ValueType:
        """As `infer`, from the types of all inputs; operators of several inputs override this one."""
        return self.infer(node, inputs[0], layout)

    def evaluate_all(self, node: Node, inputs: Sequence[np.ndarray], layout: str) -> np.ndarray:
        """As `evaluate`, from all inputs."""
        return self.evaluate(node, inputs[0], layout)

    def bound(self, node: Node, x: ValueType) -> int | None:
        """Largest magnitude that an i32 result can have; None where the operator does not know.

        Args:
            node: the node.
            x: type of its input.
        """
        return None

    def is_monotone(self, node: Node) -> bool:
        """`monotone` of one node, for operators whose constants decide."""
        return self.monotone

    def is_non_decreasing(self, node: Node) -> bool:
        """`non_decreasing` of one node."""
        return self.non_decreasing

    def channels_last(self, node: Node) -> Node:
        """The node with its constants reordered from the channels-first to the channels-last layout."""
        return node

    def permute_input(self, node: Node, order: np.ndarray) -> Node | None:
        """The node for an input whose channel j is the old channel order[j], or None if no such node exists.

        An elementwise operator's result is permuted as its input is; all others must undo the permutation.
        """
        if not self.elementwise:
            return None
        return node.with_constants(**{role: array[order] for role, array in node.constants.items()})


class Elementwise(Operator):
    """An operator that computes each element from the same element of its only input."""

    elementwise = True

    def infer(self, node: Node, x: ValueType, layout: str) -> ValueType:
        """The input's type; operators that convert or have constants override it."""
        return x


def channel_axis(layout: str) -> int:
    """Position of the channels in the shape of a sample."""
    return 0 if layout == CHANNELS_FIRST else -1


def along_channels(vector: np.ndarray, x: np.ndarray, layout: str) -> np.ndarray:
    """A vector [C], shaped to broadcast along the channels of a batch."""
    if layout == CHANNELS_FIRST:
        return vector.reshape((1, -1) + (1,) * (x.ndim - 2))
    return vector


def expect_rank(node: Node, x: ValueType, rank: int) -> None:
    """Raise unless a sample of the input has ``rank`` axes."""
    if len(x.shape) != rank:
        raise GraphError(f"node {node.name!r}: {node.op} expects an input with {rank} axes, found {x}.")


def expect_shape(node: Node, role: str, shape: Sequence[int | None]) -> None:
    """Raise unless a constant (if present) has a shape; None stands for any size."""
    array = node.constants.get(role)
    if array is None:
        return
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape))
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise GraphError(
            f"node {node.name!r}: {role} should have shape [{wanted}], found {list(array.shape)}."
        )


def expect_per_channel(node: Node, x: ValueType, layout: str) -> None:
    """Raise unless each constant has one number per channel."""
    for role in node.constants:
        expect_shape(node, role, (x.shape[channel_axis(layout)],))


def _is_int(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31


def pair(least: int, default: Any = REQUIRED) -> Attribute:
    """An attribute of two integers, [height, width]."""
    return Attribute(
        f"two integers of at least {least}",
        lambda v: isinstance(v, list) and len(v) == 2 and all(_is_int(size, least) for size in v),
        default,
    )


def integers(least: int, count: int | None = None) -> Attribute:
    """An attribute of several integers, or of ``count``."""
    return Attribute(
        f"a list of {count or 'one or more'} integers of at least {least}",
        lambda v: (
            isinstance(v, list)
            and (len(v) == count if count else bool(v))
            and all(_is_int(size, least) for size in v)
        ),
    )


def integer(least: int, default: Any = REQUIRED) -> Attribute:
    """An integer attribute."""
    return Attribute(f"an integer of at least {least}", lambda v: _is_int(v, least), default)


def bit_count() -> Attribute:
    """An attribute for the number of bits of a code."""
    return Attribute("an integer from 1 to 8", lambda v: _is_int(v, 1) and v <= 8)


def boolean(default: Any = REQUIRED) -> Attribute:
    """A true-or-false attribute."""
    return Attribute("true or false", lambda v: isinstance(v, bool), default)


def choice(*values: int) -> Attribute:
    """An attribute with a few integer values; the first is the default."""
    return Attribute(
        f"one of {', '.join(map(str, values))}", lambda v: _is_int(v, -(2**31)) and v in values, values[0]
    )
