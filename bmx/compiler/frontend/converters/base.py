"""What converters share: the registry, what a converter writes to, and nodes that several of them emit.

A converter has two steps, so that one error can list everything in a net that is not supported: reading the
attributes, which works wherever the operator stands, and emitting nodes, which needs the type of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Protocol, Sequence

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.ir.graph import ValueType


class Builder(Protocol):
    """The graph under construction, which converters append to."""

    def add(
        self,
        name: str,
        op: str,
        x: str | Sequence[str],
        attrs: dict[str, Any] | None = None,
        constants: dict[str, np.ndarray] | None = None,
    ) -> str:
        """Append a node that reads the value ``x``, or several; returns the name of its value."""

    def type(self, value: str) -> ValueType:
        """Type of a value."""


# (builder, name of MXNet's node, input value, parameters or further input values) -> value, or one for each
# output of MXNet's node
Emit = Callable[..., "str | list[str]"]


@dataclass(frozen=True)
class Converter:
    """How one operator of MXNet is compiled.

    Attributes:
        becomes: operators of the IR, for the documentation.
        limits: what is supported, for the documentation.
        read: reads the attributes and returns the function that emits the nodes.
        inputs: which inputs are computed values: ``first``, and the others are parameters; all of them,
            ``computed``; or ``any``, at least one.
    """

    becomes: str
    limits: str
    read: Callable[[Attributes], Emit]
    inputs: str = "first"


CONVERTERS: dict[str, Converter] = {}


def converter(
    *names: str, becomes: str, limits: str = "", inputs: str = "first"
) -> Callable[[Callable[[Attributes], Emit]], Any]:
    """Register a converter under MXNet's names; see `Converter` for the arguments."""

    def register(read: Callable[[Attributes], Emit]) -> Callable[[Attributes], Emit]:
        CONVERTERS.update({name: Converter(becomes, limits, read, inputs) for name in names})
        return read

    return register


def flat(build: Builder, name: str, x: str, flatten: bool) -> str:
    """The input of a dense layer, flattened if it has several axes."""
    if len(build.type(x).shape) == 1:
        return x
    if not flatten:
        raise NotSupportedError(f"flatten is False and its input is {build.type(x)}; supported: flatten=True")
    return build.add(f"{name}_flatten", "flatten", x)


def sample_axis(axis: int, x: ValueType) -> int:
    """The axis of a sample for one of MXNet's, which counts the batch axis too and may count from the end."""
    rank = len(x.shape) + 1
    if not -rank <= axis < rank:
        raise NotSupportedError(f"axis {axis} is not one of its input's, which is a batch of {x}")
    if axis % rank == 0:
        raise NotSupportedError(f"axis {axis} is the batch; supported: the axes after it")
    return axis % rank - 1


def reshape(build: Builder, name: str, x: str, shape: Sequence[int]) -> str:
    """The value with another sample shape, in the row-major order of training."""
    if not shape:
        raise NotSupportedError("its result has no axis but the batch's; supported: at least one more")
    if tuple(shape) == build.type(x).shape:
        return build.add(name, "identity", x)
    if len(shape) == 1:
        return build.add(name, "flatten", x)
    return build.add(name, "reshape", x, {"shape": list(shape)})


def per_channel(build: Builder, x: str, values: Any) -> np.ndarray:
    """One number per channel, from a number, an array of one, or an array of one per channel."""
    channels, array = build.type(x).shape[0], np.asarray(values, dtype=np.float32)
    if array.shape not in ((), (1,), (channels,)):
        raise NotSupportedError(
            f"its parameter has shape {list(array.shape)} and its input is {build.type(x)}; "
            "supported: one number, or one per channel"
        )
    return np.broadcast_to(array, (channels,))


def affine(build: Builder, name: str, x: str, scale: Any, shift: Any) -> str:
    """Append x * scale + shift, numbers or one per channel."""
    constants = {"scale": per_channel(build, x, scale), "shift": per_channel(build, x, shift)}
    return build.add(name, "affine", x, {}, constants)


def clip(build: Builder, name: str, x: str, low: float, high: float) -> str:
    """Append max(low, min(high, x))."""
    with np.errstate(over="ignore"):
        constants = {"low": np.array([low], np.float32), "high": np.array([high], np.float32)}
    return build.add(name, "clip", x, {}, constants)
