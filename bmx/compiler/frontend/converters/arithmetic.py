"""Arithmetic: of a value and a number, of two values, of a value and a parameter."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, affine, clip, converter, per_channel, reshape
from bmx.compiler.ir.graph import ValueType
from bmx.compiler.ir.ops.arithmetic import LEAST, MOST

# (builder, name, x, one number or one per channel) -> value
_WithVector = Callable[[Builder, str, str, Any], str]


def _add(build: Builder, name: str, x: str, p: Any) -> str:
    return affine(build, name, x, 1.0, p)


def _subtract(build: Builder, name: str, x: str, p: Any) -> str:
    return affine(build, name, x, 1.0, -p)


def _subtract_from(build: Builder, name: str, x: str, p: Any) -> str:
    return affine(build, name, x, -1.0, p)


def _multiply(build: Builder, name: str, x: str, p: Any) -> str:
    return affine(build, name, x, p, 0.0)


def _divide(build: Builder, name: str, x: str, p: Any) -> str:
    magnitude = np.abs(np.asarray(p))
    wrong = ~((magnitude >= LEAST) & (magnitude <= MOST))
    if wrong.any():
        raise NotSupportedError(
            f"it divides by {np.extract(wrong, p)[0]:g}; supported: magnitudes from {LEAST:g} to {MOST:g}"
        )
    return build.add(name, "divide", x, {}, {"divisor": per_channel(build, x, p)})


def _divide_into(build: Builder, name: str, x: str, p: Any) -> str:
    # The IR divides values only; clipping to one number makes a value of a constant.
    numerator = _multiply(build, f"{name}_numerator", clip(build, f"{name}_ones", x, 1.0, 1.0), p)
    return build.add(name, "div", (numerator, x))


def _maximum(build: Builder, name: str, x: str, p: Any) -> str:
    low = _one_number(p)
    return build.add(name, "relu", x) if low == 0 else clip(build, name, x, low, np.inf)


def _minimum(build: Builder, name: str, x: str, p: Any) -> str:
    return clip(build, name, x, -np.inf, _one_number(p))


def _one_number(p: Any) -> float:
    values = np.unique(np.asarray(p))
    if len(values) != 1:
        raise NotSupportedError("its parameter holds several values; supported: one number")
    return float(values[0])


def _square(build: Builder, name: str, x: str) -> str:
    return build.add(name, "mul", (x, x))


# MXNet's operators with a number -> what they do, and the operators of the IR
_SCALAR_OPERATORS: dict[str, tuple[_WithVector, str, str]] = {
    "_plus_scalar": (_add, "`affine`", ""),
    "_minus_scalar": (_subtract, "`affine`", ""),
    "_rminus_scalar": (_subtract_from, "`affine`", ""),
    "_mul_scalar": (_multiply, "`affine`", ""),
    "_div_scalar": (_divide, "`affine`", f"by magnitudes from {LEAST:g} to {MOST:g}"),
    "_rdiv_scalar": (_divide_into, "`clip`, `affine`, `div`", ""),
    "_maximum_scalar": (_maximum, "`relu` if the scalar is 0, otherwise `clip`", ""),
    "_minimum_scalar": (_minimum, "`clip`", ""),
}


def _scalar_converter(operate: _WithVector) -> Callable[[Attributes], Emit]:
    def read(attrs: Attributes) -> Emit:
        attrs.ignore("is_int")
        scalar = attrs.number("scalar", 1.0)
        return lambda build, name, x: operate(build, name, x, scalar)

    return read


for _name, (_operate, _becomes, _limits) in _SCALAR_OPERATORS.items():
    converter(_name, becomes=_becomes, limits=_limits)(_scalar_converter(_operate))


@converter("negative", becomes="`affine`")
def _negative(attrs: Attributes) -> Emit:
    return lambda build, name, x: _multiply(build, name, x, -1.0)


@converter("reciprocal", becomes="`clip`, `affine`, `div`")
def _reciprocal(attrs: Attributes) -> Emit:
    return lambda build, name, x: _divide_into(build, name, x, 1.0)


@converter("square", becomes="`mul`")
def _square_converter(attrs: Attributes) -> Emit:
    return _square


@converter("_power_scalar", becomes="`mul`; -1: `clip`, `affine`, `div`", limits="`scalar` 2 or -1")
def _power_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    exponent = attrs.number("scalar", 1.0)
    if exponent not in (2, -1):
        raise NotSupportedError(f"scalar is {exponent:g}; supported: 2, -1")
    return _square if exponent == 2 else lambda build, name, x: _divide_into(build, name, x, 1.0)


# The IR's operator -> MXNet's operators, and what they do with a parameter on the right and on the left
_ARITHMETIC: dict[str, tuple[tuple[str, ...], _WithVector, _WithVector]] = {
    "add": (("elemwise_add", "_plus", "broadcast_add", "broadcast_plus"), _add, _add),
    "sub": (("elemwise_sub", "_minus", "broadcast_sub", "broadcast_minus"), _subtract, _subtract_from),
    "mul": (("elemwise_mul", "_mul", "broadcast_mul"), _multiply, _multiply),
    "div": (("elemwise_div", "_div", "broadcast_div"), _divide, _divide_into),
}


def _arithmetic_converter(op: str, right: _WithVector, left: _WithVector) -> Callable[[Attributes], Emit]:
    def emit(build: Builder, name: str, a: Any, b: Any) -> str:
        if isinstance(b, np.ndarray):
            return _with_parameter(build, name, a, b, right)
        if isinstance(a, np.ndarray):
            return _with_parameter(build, name, b, a, left)
        return build.add(name, op, (a, b))

    return lambda attrs: emit


for _op, (_names, _right, _left) in _ARITHMETIC.items():
    converter(
        *_names,
        becomes=f"`{_op}`; with a parameter `affine`" + (", `clip`, `div`" if _op == "div" else ""),
        limits="values of as many axes; a parameter that broadcasts to the value",
        inputs="any",
    )(_arithmetic_converter(_op, _right, _left))


def _bound_converter(operate: _WithVector) -> Callable[[Attributes], Emit]:
    def emit(build: Builder, name: str, a: Any, b: Any) -> str:
        if isinstance(a, str) and isinstance(b, str):
            raise NotSupportedError("it reads two computed values; supported: one, and a parameter")
        x, p = (a, b) if isinstance(a, str) else (b, a)
        return operate(build, name, x, p)

    return lambda attrs: emit


for _names, _operate in (
    (("broadcast_maximum", "_maximum"), _maximum),
    (("broadcast_minimum", "_minimum"), _minimum),
):
    converter(*_names, becomes="`clip`", limits="a value and a parameter of one number", inputs="any")(
        _bound_converter(_operate)
    )


def _with_parameter(build: Builder, name: str, x: str, parameter: np.ndarray, operate: _WithVector) -> str:
    """Operate with a parameter, as MXNet broadcasts it: channel by channel, or else position by position."""
    shape = build.type(x).shape
    array = _along(parameter, build.type(x))
    if array.size == array.shape[0]:
        return operate(build, name, x, array.reshape(-1))
    values = build.add(f"{name}_flatten", "flatten", x)
    values = operate(build, f"{name}_flat", values, np.broadcast_to(array, shape).reshape(-1))
    return reshape(build, name, values, shape)


def _along(parameter: np.ndarray, x: ValueType) -> np.ndarray:
    """A parameter with the axes of a sample, each of 1 or of the sample's size."""
    rank = len(x.shape) + 1
    shape = (1,) * (rank - parameter.ndim) + parameter.shape
    fits = len(shape) == rank and shape[0] == 1
    if not fits or any(size not in (1, full) for size, full in zip(shape[1:], x.shape)):
        raise NotSupportedError(
            f"its parameter has shape {list(parameter.shape)} and its input is a batch of {x}; supported: "
            "shapes that broadcast to the input's, with 1 or nothing for the batch"
        )
    return parameter.reshape(shape[1:])
