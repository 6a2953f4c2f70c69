"""Convolutions of real numbers against MXNet's."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST
from tests.support.ir_operators import CONVOLUTIONS, apply


@pytest.mark.parametrize("geometry", CONVOLUTIONS, ids=str)
def test_conv2d_is_mxnets(geometry: tuple) -> None:
    channels, groups, kernel, strides, padding, dilation = geometry
    random = np.random.RandomState(1)
    x = random.standard_normal((2, channels, 9, 8)).astype(np.float32)
    weight = random.standard_normal((2 * groups, channels // groups, *kernel)).astype(np.float32)
    bias = random.standard_normal(2 * groups).astype(np.float32)
    expected = mx.nd.Convolution(
        mx.nd.array(x),
        mx.nd.array(weight),
        mx.nd.array(bias),
        kernel=kernel,
        stride=strides,
        pad=padding,
        dilate=dilation,
        num_group=groups,
        num_filter=2 * groups,
    ).asnumpy()
    attrs = {"strides": list(strides), "padding": list(padding), "dilation": list(dilation), "groups": groups}
    first = apply("conv2d", x, CHANNELS_FIRST, attrs, weight=weight, bias=bias)
    last = apply(
        "conv2d",
        x.transpose(0, 2, 3, 1),
        CHANNELS_LAST,
        attrs,
        weight=weight.transpose(0, 2, 3, 1),
        bias=bias,
    )
    # Sums of up to 3,185 products of magnitude 1, rounded in another order.
    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), first)
