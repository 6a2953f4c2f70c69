"""Layers with weights, batch norm and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmx.compiler.frontend.attributes import Attributes
from bmx.compiler.frontend.converters.base import Builder, Emit, converter, flat


def read_conv(attrs: Attributes) -> dict[str, Any]:
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


@converter("Convolution", becomes="`conv2d`", limits="2-D, `layout` NCHW")
def _convolution(attrs: Attributes) -> Emit:
    conv = read_conv(attrs)

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        return build.add(name, "conv2d", x, conv, _weights(parameters))

    return emit


@converter(
    "FullyConnected",
    becomes="`flatten` if the input is an image, `dense`",
    limits="`flatten=False` only on vectors",
)
def _fully_connected(attrs: Attributes) -> Emit:
    attrs.ignore("num_hidden", "no_bias")
    flatten = attrs.boolean("flatten", True)

    def emit(build: Builder, name: str, x: str, *parameters: np.ndarray) -> str:
        return build.add(name, "dense", flat(build, name, x, flatten), {}, _weights(parameters))

    return emit


@converter(
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


@converter(
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


@converter("LRN", becomes="`lrn`", limits="`beta` 0.5, 0.75 or 1, an odd `nsize`")
def _lrn(attrs: Attributes) -> Emit:
    numbers = {
        key: attrs.number(key, value) for key, value in (("alpha", 1e-4), ("beta", 0.75), ("knorm", 2))
    }
    size = attrs.integer("nsize", 5)
    constants = {role: np.array([value], dtype=np.float32) for role, value in numbers.items()}

    def emit(build: Builder, name: str, x: str) -> str:
        return build.add(name, "lrn", x, {"size": size}, constants)

    return emit
