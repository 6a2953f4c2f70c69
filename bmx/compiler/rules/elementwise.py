"""Activations and arithmetic: element by element."""

from __future__ import annotations

import math
from typing import Callable

from bmx.compiler.attributes import Attributes, NotSupportedError
from bmx.compiler.rules.base import Builder, Emit, affine, rule


@rule("Activation", becomes="`relu`, `tanh`", limits="`act_type` relu or tanh")
def _activation(attrs: Attributes) -> Emit:
    op = attrs.choice("act_type", "", ("relu", "tanh"))

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, op, x)

    return emit


@rule("relu", becomes="`relu`")
def _relu(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "relu", x)


@rule("tanh", becomes="`tanh`")
def _tanh(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "tanh", x)


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


@rule("_div_scalar", becomes="`affine`", limits="by powers of two")
def _div_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    scalar = attrs.number("scalar", 1.0)
    # Only then is the product with the reciprocal rounded as the quotient is.
    if abs(math.frexp(scalar)[0]) != 0.5:
        raise NotSupportedError(f"it divides by {scalar:g}; supported: powers of two, or multiply instead")

    def emit(build: Builder, name: str, x: str) -> str:
        return affine(build, name, x, 1.0 / scalar, 0.0)

    return emit


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
