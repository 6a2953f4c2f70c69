"""The operators of bmx's own layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmx.compiler.attributes import Attributes, NotSupportedError
from bmx.compiler.numerics import sign
from bmx.compiler.rules.base import Builder, Emit, affine, flat, rule
from bmx.compiler.rules.layers import read_conv


@rule("QActivation", becomes="`threshold`", limits="`method` det_sign")
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
            value = affine(build, f"{name}_popcount", value, 0.5, weight[0].size / 2)
        if bias is not None:
            value = affine(build, f"{name}_bias", value, 1.0, bias)
        return value


@rule(
    "QConvolution",
    becomes="`threshold` unless the input is binary, `binary_conv2d`, `affine` for what remains",
    limits="2-D, `layout` NCHW; `weight_quantizer` det_sign; `input_quantizer` det_sign, "
    "or none if the input is binary",
)
def _q_convolution(attrs: Attributes) -> Emit:
    conv, quantization = read_conv(attrs), _Quantization.read(attrs)
    conv["pad_value"] = attrs.integer("pad_value", 0)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        bits = quantization.bits(build, name, x)
        dot = build.add(name, "binary_conv2d", bits, conv, {"weight": sign(weight)})
        return quantization.real(build, name, dot, weight, bias)

    return emit


@rule(
    "QFullyConnected",
    becomes="`threshold` unless the input is binary, `flatten` if it is an image, `binary_dense`, "
    "`affine` for what remains",
    limits="`flatten=False` only on vectors; quantizers as for QConvolution",
)
def _q_fully_connected(attrs: Attributes) -> Emit:
    attrs.ignore("num_hidden", "no_bias")
    flatten, quantization = attrs.boolean("flatten", True), _Quantization.read(attrs)

    def emit(build: Builder, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        bits = flat(build, name, quantization.bits(build, name, x), flatten)
        dot = build.add(name, "binary_dense", bits, {}, {"weight": sign(weight)})
        return quantization.real(build, name, dot, weight, bias)

    return emit
