"""Activations: element by element."""

from __future__ import annotations

from typing import Callable

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, affine, clip, converter, per_channel
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.elementwise import Activation

# Those of MXNet's mshadow_op.h (Klambauer et al., arXiv:1706.02515).
_SELU_ALPHA, _SELU_LAMBDA = 1.6732632423543772, 1.0507009873554805


_ACTIVATIONS = [name for name, operator in OPERATORS.items() if isinstance(operator, Activation)]


@converter(
    "Activation",
    becomes=", ".join(f"`{name}`" for name in _ACTIVATIONS),
    limits=f"`act_type` {', '.join(_ACTIVATIONS[:-1])} or {_ACTIVATIONS[-1]}",
)
def _activation(attrs: Attributes) -> Emit:
    return _function(attrs.choice("act_type", "", _ACTIVATIONS))


def _function(op: str) -> Emit:
    return lambda build, name, x: build.add(name, op, x)


def _activation_converter(op: str) -> Callable[[Attributes], Emit]:
    return lambda attrs: _function(op)


for _name in _ACTIVATIONS:
    converter(_name, becomes=f"`{_name}`")(_activation_converter(_name))


@converter(
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
            constants = {"slope": per_channel(build, x, _SELU_ALPHA)}
            return affine(build, name, build.add(f"{name}_elu", "elu", x, {}, constants), _SELU_LAMBDA, 0.0)
        slopes = per_channel(build, x, parameters[0] if kind == "prelu" else slope)
        return build.add(name, "elu" if kind == "elu" else "prelu", x, {}, {"slope": slopes})

    return emit


@converter("abs", becomes="`prelu`")
def _abs(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "prelu", x, {}, {"slope": per_channel(build, x, -1)})


def _limit(attrs: Attributes, key: str) -> float:
    text = attrs.text(key, "")
    return float(text) if text in ("inf", "-inf") else attrs.number(key, 0.0)


@converter("clip", becomes="`clip`")
def _clip_converter(attrs: Attributes) -> Emit:
    low, high = _limit(attrs, "a_min"), _limit(attrs, "a_max")
    return lambda build, name, x: clip(build, name, x, low, high)


@converter("hard_sigmoid", becomes="`affine`, `clip`")
def _hard_sigmoid(attrs: Attributes) -> Emit:
    alpha, beta = attrs.number("alpha", 0.2), attrs.number("beta", 0.5)

    def emit(build: Builder, name: str, x: str) -> str:
        # Two affines, because MXNet rounds the product and the sum; a pass merges them.
        product = affine(build, f"{name}_alpha", x, alpha, 0.0)
        return clip(build, name, affine(build, f"{name}_beta", product, 1.0, beta), 0.0, 1.0)

    return emit


@converter("round", becomes="`round`")
def _round(attrs: Attributes) -> Emit:
    return _function("round")


def _constant_converter(value: float) -> Callable[[Attributes], Emit]:
    return lambda attrs: lambda build, name, x: clip(build, name, x, value, value)


for _name, _value in (("zeros_like", 0.0), ("ones_like", 1.0)):
    converter(_name, becomes="`clip`")(_constant_converter(_value))


@converter(
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
