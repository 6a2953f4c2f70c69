"""The operators of bmx's own layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmx.compiler.frontend.attributes import Attributes, NotSupportedError
from bmx.compiler.frontend.converters.base import Builder, Emit, affine, converter, flat
from bmx.compiler.frontend.converters.layers import read_conv
from bmx.compiler.ir.numerics import sign


@converter("QActivation", becomes="`threshold`", limits="`method` det_sign")
def _q_activation(attrs: Attributes) -> Emit:
    attrs.choice("method", "det_sign", ("det_sign",))
    attrs.ignore("clip")
    return _emit_sign


def _emit_sign(build: Builder, name: str, x: str) -> str:
    """The sign of a value; bits are their own sign."""
    return x if build.type(x).dtype == "bits" else build.add(name, "sign", x)


@dataclass(frozen=True)
class _Quantization:
    """Attributes that the binary layers share."""

    signs_input: bool
    signs_weight: bool
    popcount: bool

    @classmethod
    def read(cls, attrs: Attributes) -> _Quantization:
        attrs.ignore("input_clip", "weight_clip")
        signs_input, signs_weight = (
            attrs.choice(key, "det_sign", ("det_sign", "none")) == "det_sign"
            for key in ("input_quantizer", "weight_quantizer")
        )
        popcount = attrs.choice("output_range", "dot", ("dot", "popcount")) == "popcount"
        return cls(signs_input, signs_weight, popcount)

    def takes_numbers(self, build: Builder, x: str) -> bool:
        """Whether the input is multiplied as it is: real numbers, or codes of several bits."""
        return not self.signs_input and build.type(x).dtype != "bits"

    def weights(self, weight: np.ndarray) -> dict[str, np.ndarray]:
        """The layer's constants."""
        other = np.abs(weight) != 1
        if not self.signs_weight and other.any():
            raise NotSupportedError(
                f"weight_quantizer is 'none' and its weight holds {weight[other][0]:g}; supported: -1 and +1"
            )
        return {"weight": sign(weight)}

    def real(self, build: Builder, name: str, dot: str, weight: np.ndarray, bias: np.ndarray | None) -> str:
        """The layer's real result from its dot products."""
        value = dot if build.type(dot).dtype == "f32" else build.add(f"{name}_cast", "cast", dot)
        if self.popcount:
            value = affine(build, f"{name}_popcount", value, 0.5, weight[0].size / 2)
        if bias is not None:
            value = affine(build, f"{name}_bias", value, 1.0, bias)
        return value


def _numbers(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Signs as the weights of a real layer."""
    return {role: array.astype(np.float32) for role, array in weights.items()}


@converter(
    "QConvolution",
    becomes="`threshold` unless the input is binary, `binary_conv2d`, `affine` for what remains; "
    "`integer_conv2d` or `binary_weight_conv2d` where the input is not quantized to signs",
    limits="2-D, `layout` NCHW; `weight_quantizer` det_sign, or none if the weight is -1 and +1; "
    "`pad_value` 0 where the input is not quantized to signs",
)
def _q_convolution(attrs: Attributes) -> Emit:
    conv, quantization = read_conv(attrs), _Quantization.read(attrs)
    conv["pad_value"] = attrs.integer("pad_value", 0)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        weights = quantization.weights(weight)
        if quantization.takes_numbers(build, x):
            if conv["pad_value"] != 0:
                raise NotSupportedError(
                    f"pad_value is {conv['pad_value']}, input_quantizer 'none' and its input real "
                    f"({build.type(x)}); supported: pad_value 0, or a QActivation before it"
                )
            real_conv = {key: value for key, value in conv.items() if key != "pad_value"}
            dot = build.add(name, "conv2d", x, real_conv, _numbers(weights))
        else:
            dot = build.add(name, "binary_conv2d", _emit_sign(build, f"{name}_sign", x), conv, weights)
        return quantization.real(build, name, dot, weight, bias)

    return emit


@converter(
    "QFullyConnected",
    becomes="`threshold` unless the input is binary, `flatten` if it is an image, `binary_dense`, "
    "`affine` for what remains; `integer_dense` or `binary_weight_dense` as for QConvolution",
    limits="`flatten=False` only on vectors; quantizers as for QConvolution",
)
def _q_fully_connected(attrs: Attributes) -> Emit:
    attrs.ignore("num_hidden", "no_bias")
    flatten, quantization = attrs.boolean("flatten", True), _Quantization.read(attrs)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        weights = quantization.weights(weight)
        if quantization.takes_numbers(build, x):
            dot = build.add(name, "dense", flat(build, name, x, flatten), {}, _numbers(weights))
        else:
            bits = flat(build, name, _emit_sign(build, f"{name}_sign", x), flatten)
            dot = build.add(name, "binary_dense", bits, {}, weights)
        return quantization.real(build, name, dot, weight, bias)

    return emit
