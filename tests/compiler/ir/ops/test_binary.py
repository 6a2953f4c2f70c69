"""Layers of bits and codes against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from tests.support.ir_operators import CONVOLUTIONS, apply, codes, run


def conv_by_loops(x, weight, strides, padding, dilation, groups, pad_value):
    """Channels first, integers."""
    batch, _, height, width = x.shape
    outputs, inputs, kernel_h, kernel_w = weight.shape
    out_h = (height + 2 * padding[0] - dilation[0] * (kernel_h - 1) - 1) // strides[0] + 1
    out_w = (width + 2 * padding[1] - dilation[1] * (kernel_w - 1) - 1) // strides[1] + 1
    out = np.zeros((batch, outputs, out_h, out_w), dtype=np.int64)
    for o, i, j, p, q in itertools.product(
        range(outputs), range(out_h), range(out_w), range(kernel_h), range(kernel_w)
    ):
        first = (o // (outputs // groups)) * inputs
        row = i * strides[0] + p * dilation[0] - padding[0]
        column = j * strides[1] + q * dilation[1] - padding[1]
        inside = 0 <= row < height and 0 <= column < width
        taps = x[:, first : first + inputs, row, column] if inside else np.full((batch, inputs), pad_value)
        out[:, o, i, j] += (taps.astype(np.int64) * weight[o, :, p, q]).sum(axis=1)
    return out


@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("pad_value", [0, 1, -1])
@pytest.mark.parametrize("geometry", CONVOLUTIONS, ids=str)
def test_binary_conv2d_is_a_plain_loop(geometry: tuple, pad_value: int, layout: str) -> None:
    channels, groups, kernel, strides, padding, dilation = geometry
    random = np.random.RandomState(0)
    x = random.choice([-1, 1], (2, channels, 9, 8)).astype(np.int8)
    weight = random.choice([-1, 1], (2 * groups, channels // groups, *kernel)).astype(np.int8)
    expected = conv_by_loops(x, weight, strides, padding, dilation, groups, pad_value)
    attrs = {"strides": list(strides), "padding": list(padding), "dilation": list(dilation)}
    attrs = {**attrs, "groups": groups, "pad_value": pad_value}
    if layout == CHANNELS_LAST:
        x, weight = x.transpose(0, 2, 3, 1), weight.transpose(0, 2, 3, 1)
    actual = apply("binary_conv2d", x, layout, attrs, weight=weight)
    if layout == CHANNELS_LAST:
        actual = actual.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(actual, expected)
    assert np.abs(actual).max() <= OPERATORS["binary_conv2d"].bound(
        Node("node", "binary_conv2d", ("x",), attrs, {"weight": weight}), ValueType("bits", x.shape[1:])
    )


WEIGHTS = {"signs": [-7, -5, -3, -1, 1, 3, 5, 7], "twos_complement": [-8, -1, 0, 1, 7], "ternary": [-1, 0, 1]}


@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("dtype", ["bits", "u1", "u3", "u8"])
@pytest.mark.parametrize("values", WEIGHTS)
@pytest.mark.parametrize("geometry", CONVOLUTIONS, ids=str)
def test_integer_conv2d_is_a_plain_loop(geometry: tuple, values: str, dtype: str, layout: str) -> None:
    channels, groups, kernel, strides, padding, dilation = geometry
    random = np.random.RandomState(0)
    x = codes(dtype, (1, channels, 9, 8), random)
    weight = random.choice(WEIGHTS[values], (2 * groups, channels // groups, *kernel)).astype(np.int16)
    expected = conv_by_loops(x, weight, strides, padding, dilation, groups, 0)
    attrs = {"strides": list(strides), "padding": list(padding), "dilation": list(dilation), "groups": groups}
    bound = OPERATORS["integer_conv2d"].bound(
        Node("node", "integer_conv2d", ("x",), attrs, {"weight": weight}), ValueType(dtype, x.shape[1:])
    )
    assert bound is not None
    assert np.abs(expected).max() <= bound
    if layout == CHANNELS_LAST:
        x, weight = x.transpose(0, 2, 3, 1), weight.transpose(0, 2, 3, 1)
    found, actual = run("integer_conv2d", dtype, x, layout, attrs, weight=weight)
    assert (found, actual.dtype) == ("i32", np.int32)
    if layout == CHANNELS_LAST:
        actual = actual.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("dtype", ["bits", "u2", "u8"])
def test_integer_dense_is_a_plain_loop(dtype: str) -> None:
    random = np.random.RandomState(1)
    x, weight = codes(dtype, (3, 65), random), random.randint(-128, 128, (4, 65)).astype(np.int16)
    expected = [[sum(int(a) * int(b) for a, b in zip(row, unit)) for unit in weight] for row in x]
    found, actual = run("integer_dense", dtype, x, weight=weight)
    assert found == "i32"
    np.testing.assert_array_equal(actual, expected)
    order = random.permutation(65)
    node = Node("node", "integer_dense", ("x",), {}, {"weight": weight})
    permuted = OPERATORS["integer_dense"].permute_input(node, order)
    assert permuted is not None
    np.testing.assert_array_equal(
        OPERATORS["integer_dense"].evaluate(permuted, x[:, order], CHANNELS_FIRST), expected
    )
