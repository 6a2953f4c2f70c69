"""Activations and arithmetic: element by element."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from bmx.compiler.attributes import Attributes, NotSupportedError
from bmx.compiler.ops.divide import LEAST, MOST
from bmx.compiler.rules.base import Builder, Emit, affine, rule

_FUNCTIONS = ("relu", "tanh", "sigmoid")
# Those of MXNet's mshadow_op.h (Klambauer et al., arXiv:1706.02515).
_SELU_ALPHA, _SELU_LAMBDA = 1.6732632423543772, 1.0507009873554805


@rule("Activation", becomes="`relu`, `tanh`, `sigmoid`", limits="`act_type` relu, tanh or sigmoid")
def _activation(attrs: Attributes) -> Emit:
    return _function(attrs.choice("act_type", "", _FUNCTIONS))


def _function(op: str) -> Emit:
    return lambda build, name, x: build.add(name, op, x)


for _name in _FUNCTIONS:
    rule(_name, becomes=f"`{_name}`")(lambda attrs, op=_name: _function(op))  # type: ignore[misc]


def _per_channel(build: Builder, x: str, values: Any) -> np.ndarray:
    """A number, an array of one or an array of one per channel, as the last."""
    channels, array = build.type(x).shape[0], np.asarray(values, dtype=np.float32)
    if array.shape not in ((), (1,), (channels,)):
        raise NotSupportedError(
            f"its parameter has shape {list(array.shape)} and its input is {build.type(x)}; "
            "supported: one number, or one per channel"
        )
    return np.broadcast_to(array, (channels,))


@rule(
    "LeakyReLU",
    becomes="`prelu`, `elu`; selu: `elu`, `affine`",
    limits="`act_type` leaky, prelu, elu or selu",
)
def _leaky_relu(attrs: Attributes) -> Emit:
    kind = attrs.choice("act_type", "leaky", ("leaky", "prelu", "elu", "selu"))
    slope = attrs.number("slope", 0.25)
    attrs.ignore("lower_bound", "upper_bound")

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        if kind == "selu":
            constants = {"slope": _per_channel(build, x, _SELU_ALPHA)}
            return affine(build, name, build.add(f"{name}_elu", "elu", x, {}, constants), _SELU_LAMBDA, 0.0)
        slopes = _per_channel(build, x, parameters[0] if kind == "prelu" else slope)
        return build.add(name, "elu" if kind == "elu" else "prelu", x, {}, {"slope": slopes})

    return emit


@rule("abs", becomes="`prelu`")
def _abs(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "prelu", x, {}, {"slope": _per_channel(build, x, -1)})


def _clip(build: Builder, name: str, x: str, low: float, high: float) -> str:
    with np.errstate(over="ignore"):
        constants = {"low": np.array([low], np.float32), "high": np.array([high], np.float32)}
    return build.add(name, "clip", x, {}, constants)


def _limit(attrs: Attributes, key: str) -> float:
    text = attrs.text(key, "")
    return float(text) if text in ("inf", "-inf") else attrs.number(key, 0.0)


@rule("clip", becomes="`clip`")
def _clip_rule(attrs: Attributes) -> Emit:
    low, high = _limit(attrs, "a_min"), _limit(attrs, "a_max")
    return lambda build, name, x: _clip(build, name, x, low, high)


@rule("_maximum_scalar", becomes="`relu` if the scalar is 0, otherwise `clip`")
def _maximum_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    low = attrs.number("scalar", 1.0)
    if low == 0:
        return _function("relu")
    return lambda build, name, x: _clip(build, name, x, low, np.inf)


@rule("_minimum_scalar", becomes="`clip`")
def _minimum_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    high = attrs.number("scalar", 1.0)
    return lambda build, name, x: _clip(build, name, x, -np.inf, high)


@rule("hard_sigmoid", becomes="`affine`, `clip`")
def _hard_sigmoid(attrs: Attributes) -> Emit:
    alpha, beta = attrs.number("alpha", 0.2), attrs.number("beta", 0.5)

    def emit(build: Builder, name: str, x: str) -> str:
        # Two affines, because MXNet rounds the product and the sum; a pass merges them.
        product = affine(build, f"{name}_alpha", x, alpha, 0.0)
        return _clip(build, name, affine(build, f"{name}_beta", product, 1.0, beta), 0.0, 1.0)

    return emit


# MXNet's operator -> scale and shift for its scalar
_SCALAR_OPERATORS: dict[str, Callable[[float], tuple[float, float]]] = {
    "_plus_scalar": lambda scalar: (1.0, scalar),
    "_minus_scalar": lambda scalar: (1.0, -scalar),
    "_rminus_scalar": lambda scalar: (-1.0, scalar),
    "_mul_scalar": lambda scalar: (scalar, 0.0),
}


def _scalar_rule(coefficients: Callable[[float], tuple[float, float]]) -> Callable[[Attributes], Emit]:
    def read(attrs: Attributes) -> Emit:
        attrs.ignore("is_int")
        scalar = attrs.number("scalar", 1.0)

        def emit(build: Builder, name: str, x: str) -> str:
            return affine(build, name, x, *coefficients(scalar))

        return emit

    return read


for _name, _coefficients in _SCALAR_OPERATORS.items():
    rule(_name, becomes="`affine`")(_scalar_rule(_coefficients))


@rule("negative", becomes="`affine`")
def _negative(attrs: Attributes) -> Emit:
    return lambda build, name, x: affine(build, name, x, -1.0, 0.0)


@rule("_div_scalar", becomes="`affine`", limits="by magnitudes from 1e-37 to 1e37")
def _div_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    scalar = attrs.number("scalar", 1.0)
    if not LEAST <= abs(scalar) <= MOST:
        raise NotSupportedError(f"it divides by {scalar:g}; supported: magnitudes from {LEAST:g} to {MOST:g}")

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, "divide", x, {}, {"divisor": _per_channel(build, x, scalar)})

    return emit


def _emit_square(build: Builder, name: str, x: str) -> str:
    return build.add(name, "mul", (x, x))


@rule("square", becomes="`mul`")
def _square(attrs: Attributes) -> Emit:
    return _emit_square


@rule("_power_scalar", becomes="`mul`", limits="`scalar` 2")
def _power_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    if attrs.number("scalar", 1.0) != 2:
        raise NotSupportedError(f"scalar is {attrs.number('scalar', 1.0):g}; supported: 2")
    return _emit_square


# MXNet's operators on two arrays -> the IR's
_ARITHMETIC = {
    "elemwise_add": "add",
    "_plus": "add",
    "broadcast_add": "add",
    "broadcast_plus": "add",
    "elemwise_sub": "sub",
    "_minus": "sub",
    "broadcast_sub": "sub",
    "broadcast_minus": "sub",
    "elemwise_mul": "mul",
    "_mul": "mul",
    "broadcast_mul": "mul",
    "elemwise_div": "div",
    "_div": "div",
    "broadcast_div": "div",
}


def _arithmetic_rule(op: str) -> Callable[[Attributes], Emit]:
    def read(attrs: Attributes) -> Emit:
        return lambda build, name, a, b: build.add(name, op, (a, b))

    return read


for _name, _op in _ARITHMETIC.items():
    rule(_name, becomes=f"`{_op}`", limits="two computed values of as many axes", joins=True)(
        _arithmetic_rule(_op)
    )


@rule(
    "softmax", becomes="`softmax`", limits="over the channels (the last axis of a vector), no `temperature`"
)
def _softmax(attrs: Attributes) -> Emit:
    axis = attrs.integer("axis", -1)
    attrs.choice("temperature", "None", ("None", "1.0", "1"))
    attrs.choice("use_length", "False", ("False",))
    attrs.choice("dtype", "None", ("None", "float32"))

    def emit(build: Builder, name: str, x: str) -> str:
        rank = len(build.type(x).shape) + 1
        if axis % rank != 1:
            raise NotSupportedError(
                f"axis is {axis} and its input is {build.type(x)}; supported: the axis of channels"
            )
        return build.add(name, "softmax", x)

    return emit
