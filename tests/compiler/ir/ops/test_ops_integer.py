"""Operators on codes against plain loops: their values, their types, and what they refuse."""

from __future__ import annotations

import itertools

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST, GraphError, Node, ValueType
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import infer, with_defaults
from tests.compiler.ir.ops.test_ops import CONVOLUTIONS, conv_by_loops


def run(
    op: str,
    dtype: str,
    x: np.ndarray,
    layout: str = CHANNELS_FIRST,
    attrs: dict | None = None,
    **constants: np.ndarray,
) -> tuple[str, np.ndarray]:
    """Verify and evaluate one node; the dtype of its value and the numbers."""
    node = with_defaults(Node("node", op, ("x",), attrs or {}, constants))
    value = infer(node, {"x": ValueType(dtype, x.shape[1:])}, layout)
    result = OPERATORS[op].evaluate(node, x, layout)
    assert result.shape == (len(x), *value.shape)
    return value.dtype, result


def codes(dtype: str, shape: tuple, random: np.random.RandomState) -> np.ndarray:
    if dtype == "bits":
        return random.choice([-1, 1], shape).astype(np.int8)
    return random.randint(0, 2 ** int(dtype[1:]), shape).astype(np.uint8)


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


def test_binary_weights_are_real_layers_with_signs() -> None:
    random = np.random.RandomState(2)
    x = random.standard_normal((2, 6, 5, 4)).astype(np.float32)
    weight = random.choice([-1, 1], (4, 3, 3, 3)).astype(np.int8)
    attrs = {"padding": [1, 1], "groups": 2}
    real = run("conv2d", "f32", x, attrs=attrs, weight=weight.astype(np.float32))[1]
    dtype, actual = run("binary_weight_conv2d", "f32", x, attrs=attrs, weight=weight)
    assert (dtype, actual.dtype) == ("f32", np.float32)
    np.testing.assert_array_equal(actual, real)
    x, weight = x.reshape(2, -1), random.choice([-1, 1], (4, 120)).astype(np.int8)
    np.testing.assert_array_equal(
        run("binary_weight_dense", "f32", x, weight=weight)[1],
        run("dense", "f32", x, weight=weight.astype(np.float32))[1],
    )


@pytest.mark.parametrize("dtype", ["f32", "i32"])
@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
def test_quantize_counts_thresholds(dtype: str, layout: str) -> None:
    array = np.float32 if dtype == "f32" else np.int32
    random = np.random.RandomState(3)
    x = random.randint(-9, 10, (2, 3, 4, 5)).astype(array)
    threshold = np.sort(random.randint(-8, 9, (7, 3)), axis=0).astype(array)
    threshold[:2, 0], threshold[6, 1] = threshold[0, 0], 100
    flip = np.array([False, True, False])
    moved = x if layout == CHANNELS_FIRST else x.transpose(0, 2, 3, 1)
    found, actual = run("quantize", dtype, moved, layout, {"bits": 3}, threshold=threshold, flip=flip)
    assert (found, actual.dtype) == ("u3", np.uint8)
    actual = actual if layout == CHANNELS_FIRST else actual.transpose(0, 3, 1, 2)
    for index in np.ndindex(*x.shape):
        count = sum(not x[index] < t for t in threshold[:, index[1]])
        assert actual[index] == (7 - count if flip[index[1]] else count)


def test_quantize_of_nan_passes_every_threshold() -> None:
    x = np.full((1, 2), np.nan, dtype=np.float32)
    threshold = np.float32([[-np.inf, 0], [0, 1], [np.inf, np.inf]])
    flip = np.array([False, True])
    np.testing.assert_array_equal(
        run("quantize", "f32", x, attrs={"bits": 2}, threshold=threshold, flip=flip)[1], [[3, 0]]
    )


@pytest.mark.parametrize("bits", range(1, 9))
def test_code_is_mxnets_round_of_clip(bits: int) -> None:
    largest = 2**bits - 1
    halves = np.arange(-3, 2 * largest + 6, dtype=np.float32) / 2
    near = np.concatenate(
        [halves, np.nextafter(halves, np.float32(-9)), np.nextafter(halves, np.float32(999))]
    )
    x = np.concatenate([near, np.float32([0.49999997, -0.0, 1e-40, np.inf, -np.inf, 3e38])])[np.newaxis]
    dtype, actual = run("code", "f32", x, attrs={"bits": bits})
    assert (dtype, actual.dtype) == (f"u{bits}", np.uint8)
    np.testing.assert_array_equal(actual, mx.nd.round(mx.nd.clip(mx.nd.array(x), 0, largest)).asnumpy())


def test_round_is_mxnets() -> None:
    x = np.arange(-40, 41, dtype=np.float32) / 4
    x = np.concatenate([x, np.float32([0.49999997, -0.49999997, 8388609, -8388607.5, 3e38, -np.inf])])
    np.testing.assert_array_equal(round_half_away(x), mx.nd.round(mx.nd.array(x)).asnumpy())


def test_casts_flatten_and_bytes() -> None:
    random = np.random.RandomState(4)
    for dtype in ("bits", "u1", "u5", "u8"):
        x = codes(dtype, (2, 3, 2, 2), random)
        found, real = run("cast", dtype, x)
        assert (found, real.dtype) == ("f32", np.float32)
        np.testing.assert_array_equal(real, x)
        assert run("flatten", dtype, x)[0] == dtype
    image = codes("u8", (2, 3, 2, 4), random)
    found, moved = run("transpose", "bytes", image, attrs={"perm": [1, 2, 0]})
    assert found == "bytes"
    found, planes = run("to_planes", "bytes", moved, CHANNELS_LAST)
    assert found == "u8"
    for c, i, j in itertools.product(range(3), range(2), range(4)):
        np.testing.assert_array_equal(planes[:, i, j, c], image[:, c, i, j])


def integers(*values: int) -> np.ndarray:
    return np.array([values], dtype=np.int16)


@pytest.mark.parametrize(
    ("op", "dtype", "shape", "attrs", "constants", "message"),
    [
        ("integer_dense", "f32", (2,), {}, {"weight": integers(1, 2)}, "integer_dense reads bits or u1 or"),
        ("integer_dense", "u2", (2,), {}, {"weight": integers(1, 128)}, "at most 8 bits.* found 1 to 128"),
        ("integer_dense", "u2", (2,), {}, {"weight": integers(257, -1)}, "found -1 to 257"),
        ("integer_dense", "u2", (3,), {}, {"weight": integers(1, 2)}, r"shape \[any, 3\], found \[1, 2\]"),
        ("integer_dense", "u2", (2,), {}, {"weight": np.ones((1, 2), np.int8)}, "weight should be i16"),
        (
            "integer_dense",
            "u8",
            (70000,),
            {},
            {"weight": np.full((1, 70000), -128, np.int16)},
            "sums of 70000 products of inputs up to 255 and weights up to 128 can leave 32 bits",
        ),
        ("quantize", "f32", (2,), {"bits": 9}, {}, "bits should be an integer from 1 to 8, found 9"),
        (
            "quantize",
            "f32",
            (2,),
            {"bits": 2},
            {"threshold": np.zeros((2, 2), np.float32), "flip": np.zeros(2, bool)},
            r"threshold should have shape \[3, 2\], found \[2, 2\]",
        ),
        (
            "quantize",
            "i32",
            (1,),
            {"bits": 2},
            {"threshold": np.int32([[1], [0], [2]]), "flip": np.zeros(1, bool)},
            "thresholds of each channel should ascend",
        ),
        ("code", "f32", (2, 2), {"bits": 2}, {}, "code expects a vector or an image"),
        ("to_planes", "f32", (2,), {}, {}, "to_planes reads bytes, found f32"),
        ("transpose", "u8", (2, 1), {"perm": [1, 0]}, {}, "transpose reads f32 or bytes"),
        ("max_pool2d", "u2", (1, 2, 2), {"kernel": [2, 2]}, {}, "max_pool2d reads f32 or i32 or bits"),
    ],
)
def test_what_does_not_fit_is_refused(
    op: str, dtype: str, shape: tuple, attrs: dict, constants: dict, message: str
) -> None:
    node = with_defaults(Node("node", op, ("x",), attrs, constants))
    with pytest.raises(GraphError, match=message):
        infer(node, {"x": ValueType(dtype, shape)}, CHANNELS_FIRST)
