"""MXNet's operators in terms of the IR's. `RULES` is the registry: MXNet's name -> rule.

A rule has two steps, so that one error can list everything in a net that is not supported: reading the
attributes, which works wherever the operator stands, and emitting nodes, which needs the type of the input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Protocol, Sequence

import numpy as np

from bmx.compiler.attributes import Attributes, NotSupportedError
from bmx.compiler.ir import ValueType
from bmx.compiler.numerics import sign


class Builder(Protocol):
    """What a rule writes to."""

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


# (builder, name of MXNet's node, input value, parameters or further input values) -> value
Emit = Callable[..., str]


@dataclass(frozen=True)
class Rule:
    """How one operator of MXNet is compiled.

    Attributes:
        becomes: operators of the IR, for the documentation.
        limits: what is supported, for the documentation.
        read: reads the attributes and returns the function that emits the nodes.
        joins: all inputs are computed values; otherwise the first one is, and the others are parameters.
    """

    becomes: str
    limits: str
    read: Callable[[Attributes], Emit]
    joins: bool = False


RULES: dict[str, Rule] = {}


def _rule(
    *names: str, becomes: str, limits: str = "", joins: bool = False
) -> Callable[[Callable[[Attributes], Emit]], Any]:
    def register(read: Callable[[Attributes], Emit]) -> Callable[[Attributes], Emit]:
        RULES.update({name: Rule(becomes, limits, read, joins) for name in names})
        return read

    return register


def _read_conv(attrs: Attributes) -> dict[str, Any]:
    """Attributes that real and binary convolutions share."""
    attrs.ignore("num_filter", "no_bias", "workspace", "cudnn_tune", "cudnn_off")
    attrs.pair("kernel", ())
    attrs.choice("layout", "NCHW", ("NCHW", "None"))
    return {
        "strides": attrs.pair("stride", (1, 1)),
        "padding": attrs.pair("pad", (0, 0)),
        "dilation": attrs.pair("dilate", (1, 1)),
        "groups": attrs.integer("num_group", 1),
    }


def _weights(parameters: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    return dict(zip(("weight", "bias"), parameters))


@_rule("Convolution", becomes="`conv2d`", limits="2-D, `layout` NCHW")
def _convolution(attrs: Attributes) -> Emit:
    conv = _read_conv(attrs)

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        return build.add(name, "conv2d", x, conv, _weights(parameters))

    return emit


def _flat(build: Builder, name: str, x: str, flatten: bool) -> str:
    """The input of a dense layer."""
    if len(build.type(x).shape) == 1:
        return x
    if not flatten:
        raise NotSupportedError(f"flatten is False and its input is {build.type(x)}; supported: flatten=True")
    return build.add(f"{name}_flatten", "flatten", x)


@_rule(
    "FullyConnected",
    becomes="`flatten` if the input is an image, `dense`",
    limits="`flatten=False` only on vectors",
)
def _fully_connected(attrs: Attributes) -> Emit:
    attrs.ignore("num_hidden", "no_bias")
    flatten = attrs.boolean("flatten", True)

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        return build.add(name, "dense", _flat(build, name, x, flatten), {}, _weights(parameters))

    return emit


@_rule(
    "BatchNorm",
    becomes="`affine`, or part of a `threshold`",
    limits="`axis=1`; the running statistics are used",
)
def _batch_norm(attrs: Attributes) -> Emit:
    attrs.ignore("momentum", "use_global_stats", "cudnn_off", "min_calib_range", "max_calib_range")
    epsilon, fix_gamma = attrs.number("eps", 1e-3), attrs.boolean("fix_gamma", True)
    attrs.choice("axis", "1", ("1",))
    attrs.choice("output_mean_var", "False", ("False",))

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        gamma, beta, mean, variance = parameters
        gamma = np.ones_like(gamma) if fix_gamma else gamma
        constants = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
        return build.add(name, "batch_norm", x, {"epsilon": epsilon}, constants)

    return emit


@_rule("Activation", becomes="`relu`, `tanh`", limits="`act_type` relu or tanh")
def _activation(attrs: Attributes) -> Emit:
    op = attrs.choice("act_type", "", ("relu", "tanh"))

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, op, x)

    return emit


@_rule("relu", becomes="`relu`")
def _relu(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "relu", x)


@_rule("tanh", becomes="`tanh`")
def _tanh(attrs: Attributes) -> Emit:
    return lambda build, name, x: build.add(name, "tanh", x)


@_rule(
    "Pooling",
    becomes="`max_pool2d`, `avg_pool2d`",
    limits="2-D, `layout` NCHW; `pool_type` max or avg; `pooling_convention` valid or full; `global_pool`",
)
def _pooling(attrs: Attributes) -> Emit:
    attrs.ignore("cudnn_off", "p_value")
    attrs.choice("layout", "NCHW", ("NCHW", "None"))
    kind = attrs.choice("pool_type", "max", ("max", "avg"))
    whole = attrs.boolean("global_pool", False)
    kernel = attrs.pair("kernel", ())
    pool: dict[str, Any] = {
        "kernel": kernel,
        "strides": attrs.pair("stride", (1, 1)),
        "padding": attrs.pair("pad", (0, 0)),
        "ceil_mode": attrs.choice("pooling_convention", "valid", ("valid", "full")) == "full",
    }
    include_pad = attrs.text("count_include_pad", "None") not in ("False", "0")
    if kind == "avg":
        pool["count_include_pad"] = include_pad

    def emit(build: Builder, name: str, x: str) -> str:
        image = {
            "kernel": list(build.type(x).shape[1:]),
            "strides": [1, 1],
            "padding": [0, 0],
            "ceil_mode": False,
        }
        return build.add(name, f"{kind}_pool2d", x, {**pool, **image} if whole else pool)

    return emit


def _emit_flatten(build: Builder, name: str, x: str) -> str:
    return _flat(build, name, x, flatten=True)


@_rule("Flatten", "flatten", becomes="`flatten`")
def _flatten(attrs: Attributes) -> Emit:
    return _emit_flatten


@_rule("Reshape", "reshape", becomes="`flatten`", limits="only `shape=(0, -1)`")
def _reshape(attrs: Attributes) -> Emit:
    attrs.choice("shape", "", ("(0, -1)", "(0,-1)"))
    attrs.choice("reverse", "False", ("False",))
    attrs.ignore("keep_highest", "target_shape")
    return _emit_flatten


@_rule(
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


@_rule("Dropout", becomes="nothing", limits="`mode` training")
def _dropout(attrs: Attributes) -> Emit:
    attrs.ignore("p", "axes", "cudnn_off")
    attrs.choice("mode", "training", ("training",))
    return _emit_identity


@_rule("identity", "_copy", "BlockGrad", becomes="nothing")
def _identity(attrs: Attributes) -> Emit:
    return _emit_identity


def _emit_identity(build: Builder, name: str, x: str) -> str:
    return build.add(name, "identity", x)


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
            return _affine(build, name, x, *coefficients(scalar))

        return emit

    return read


for _name, _coefficients in _SCALAR_OPERATORS.items():
    _rule(_name, becomes="`affine`")(_scalar_rule(_coefficients))


@_rule("_div_scalar", becomes="`affine`", limits="by powers of two")
def _div_scalar(attrs: Attributes) -> Emit:
    attrs.ignore("is_int")
    scalar = attrs.number("scalar", 1.0)
    # Only then is the product with the reciprocal rounded as the quotient is.
    if abs(math.frexp(scalar)[0]) != 0.5:
        raise NotSupportedError(f"it divides by {scalar:g}; supported: powers of two, or multiply instead")

    def emit(build: Builder, name: str, x: str) -> str:
        return _affine(build, name, x, 1.0 / scalar, 0.0)

    return emit


def _affine(build: Builder, name: str, x: str, scale: float, shift: Any) -> str:
    """Append x * scale + shift; ``shift`` is a number or one per channel."""
    channels = build.type(x).shape[0]
    constants = {
        "scale": np.full(channels, scale, dtype=np.float32),
        "shift": np.broadcast_to(np.asarray(shift, dtype=np.float32), (channels,)),
    }
    return build.add(name, "affine", x, {}, constants)


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
    _rule(_name, becomes=f"`{_op}`", limits="two computed values of as many axes", joins=True)(
        _arithmetic_rule(_op)
    )


@_rule("QActivation", becomes="`threshold`", limits="`method` det_sign")
def _q_activation(attrs: Attributes) -> Emit:
    attrs.choice("method", "det_sign", ("det_sign",))
    attrs.ignore("clip")
    return _emit_sign


def _emit_sign(build: Builder, name: str, x: str) -> str:
    """Bits; those of a sign are their own sign."""
    return x if build.type(x).dtype == "bits" else build.add(name, "sign", x)


@dataclass(frozen=True)
class _Quantization:
    """Attributes that the binary layers share."""

    signs_input: bool
    popcount: bool

    @classmethod
    def read(cls, attrs: Attributes) -> _Quantization:
        attrs.ignore("input_clip", "weight_clip")
        attrs.choice("weight_quantizer", "det_sign", ("det_sign",))
        signs_input = attrs.choice("input_quantizer", "det_sign", ("det_sign", "none")) == "det_sign"
        popcount = attrs.choice("output_range", "dot", ("dot", "popcount")) == "popcount"
        return cls(signs_input, popcount)

    def bits(self, build: Builder, name: str, x: str) -> str:
        if not self.signs_input and build.type(x).dtype != "bits":
            raise NotSupportedError(
                f"input_quantizer is 'none' and its input is real ({build.type(x)}); "
                "put a QActivation before it or leave the input quantizer on"
            )
        return _emit_sign(build, f"{name}_sign", x)

    def real(self, build: Builder, name: str, dot: str, weight: np.ndarray, bias: np.ndarray | None) -> str:
        """The layer's real result from its dot products."""
        value = build.add(f"{name}_cast", "cast", dot)
        if self.popcount:
            value = _affine(build, f"{name}_popcount", value, 0.5, weight[0].size / 2)
        if bias is not None:
            value = _affine(build, f"{name}_bias", value, 1.0, bias)
        return value


@_rule(
    "QConvolution",
    becomes="`threshold` unless the input is binary, `binary_conv2d`, `affine` for what remains",
    limits="2-D, `layout` NCHW; `weight_quantizer` det_sign; `input_quantizer` det_sign, "
    "or none if the input is binary",
)
def _q_convolution(attrs: Attributes) -> Emit:
    conv, quantization = _read_conv(attrs), _Quantization.read(attrs)
    conv["pad_value"] = attrs.integer("pad_value", 0)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        bits = quantization.bits(build, name, x)
        dot = build.add(name, "binary_conv2d", bits, conv, {"weight": sign(weight)})
        return quantization.real(build, name, dot, weight, bias)

    return emit


@_rule(
    "QFullyConnected",
    becomes="`threshold` unless the input is binary, `flatten` if it is an image, `binary_dense`, "
    "`affine` for what remains",
    limits="`flatten=False` only on vectors; quantizers as for QConvolution",
)
def _q_fully_connected(attrs: Attributes) -> Emit:
    attrs.ignore("num_hidden", "no_bias")
    flatten, quantization = attrs.boolean("flatten", True), _Quantization.read(attrs)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        bits = _flat(build, name, quantization.bits(build, name, x), flatten)
        dot = build.add(name, "binary_dense", bits, {}, {"weight": sign(weight)})
        return quantization.real(build, name, dot, weight, bias)

    return emit
