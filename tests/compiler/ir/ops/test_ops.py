"""The NumPy meaning of each operator against plain loops and MXNet's own operators."""

from __future__ import annotations

import itertools

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST, GraphError, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES
from bmx.compiler.ir.verifier import infer, with_defaults


def apply(
    op: str, x: np.ndarray, layout: str = CHANNELS_FIRST, attrs: dict | None = None, **constants: np.ndarray
) -> np.ndarray:
    """Verify and evaluate one node, and check that the result has the inferred type."""
    node = with_defaults(Node("node", op, ("x",), attrs or {}, constants))
    dtypes = {np.dtype(np.float32): "f32", np.dtype(np.int32): "i32", np.dtype(np.int8): "bits"}
    value = infer(node, {"x": ValueType(dtypes[x.dtype], x.shape[1:])}, layout)
    result = OPERATORS[op].evaluate(node, x, layout)
    assert (dtypes[result.dtype], result.shape) == (value.dtype, (len(x), *value.shape))
    return result


def conv_by_loops(x, weight, strides, padding, dilation, groups, pad_value):  # type: ignore[no-untyped-def]
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


CONVOLUTIONS = [
    # channels, groups, kernel, strides, padding, dilation
    (1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (3, 1, (3, 3), (2, 1), (1, 0), (1, 1)),
    (31, 1, (3, 2), (1, 2), (1, 2), (1, 2)),
    (4, 2, (5, 5), (2, 2), (2, 2), (1, 1)),
    (6, 6, (3, 3), (1, 1), (2, 2), (2, 2)),
    (65, 1, (7, 7), (1, 1), (2, 1), (1, 1)),
]


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
    assert (
        np.abs(actual).max()
        <= OPERATORS["binary_conv2d"].bound(  # type: ignore[operator]
            Node("node", "binary_conv2d", ("x",), attrs, {"weight": weight}), ValueType("bits", x.shape[1:])
        )
    )


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


POOLINGS = [
    # size, kernel, strides, padding
    ((4, 4), (2, 2), (2, 2), (0, 0)),
    ((7, 6), (3, 2), (2, 2), (1, 1)),
    ((9, 6), (3, 3), (2, 3), (0, 1)),
    ((5, 5), (5, 5), (1, 1), (2, 2)),
]


@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("kind", ["max", "avg", "avg_inside"])
@pytest.mark.parametrize("geometry", POOLINGS, ids=str)
def test_pooling_is_mxnets(geometry: tuple, kind: str, ceil_mode: bool, layout: str) -> None:
    size, kernel, strides, padding = geometry
    x = np.random.RandomState(2).standard_normal((2, 3, *size)).astype(np.float32)
    expected = mx.nd.Pooling(
        mx.nd.array(x),
        kernel=kernel,
        stride=strides,
        pad=padding,
        pool_type=kind[:3],
        pooling_convention="full" if ceil_mode else "valid",
        count_include_pad=kind == "avg",
    ).asnumpy()
    attrs = {
        "kernel": list(kernel),
        "strides": list(strides),
        "padding": list(padding),
        "ceil_mode": ceil_mode,
    }
    if kind != "max":
        attrs["count_include_pad"] = kind == "avg"
    x = x if layout == CHANNELS_FIRST else x.transpose(0, 2, 3, 1)
    actual = apply(f"{kind[:3]}_pool2d", x, layout, attrs)
    actual = actual if layout == CHANNELS_FIRST else actual.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(actual, expected, rtol=0 if kind == "max" else 1e-5, atol=1e-7)


def test_max_pool2d_of_bits_is_or_and_of_integers_exact() -> None:
    random = np.random.RandomState(3)
    numbers = random.randint(-9, 10, (2, 3, 7, 7)).astype(np.int32)
    attrs = {"kernel": [3, 3], "strides": [2, 2], "padding": [1, 1]}
    pooled = apply("max_pool2d", numbers, attrs=attrs)
    bits = np.where(numbers >= 4, 1, -1).astype(np.int8)
    np.testing.assert_array_equal(apply("max_pool2d", bits, attrs=attrs), np.where(pooled >= 4, 1, -1))
    as_floats = apply("max_pool2d", numbers.astype(np.float32), attrs=attrs)
    np.testing.assert_array_equal(pooled, as_floats)


@pytest.mark.parametrize("shape", [(64, 5), (2, 5, 3, 4), (4, 64, 9, 16)])
def test_batch_norm_has_mxnets_bits(shape: tuple) -> None:
    random = np.random.RandomState(4)
    channels = shape[1]
    x = (random.standard_normal(shape) * 100).astype(np.float32)
    gamma, beta, mean = (random.standard_normal(channels).astype(np.float32) for _ in range(3))
    variance = random.uniform(0.1, 300, channels).astype(np.float32)
    gamma[0] = 0
    arrays = [mx.nd.array(array) for array in (x, gamma, beta, mean, variance)]
    expected = mx.nd.BatchNorm(*arrays, eps=1e-5, fix_gamma=False).asnumpy()
    actual = apply(
        "batch_norm", x, attrs={"epsilon": 1e-5}, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    np.testing.assert_array_equal(actual, expected)


def test_dense_layers() -> None:
    random = np.random.RandomState(5)
    x, weight = random.standard_normal((3, 65)), random.standard_normal((4, 65))
    bias = random.standard_normal(4)
    expected = np.array([[sum(a * b for a, b in zip(row, unit)) for unit in weight] for row in x]) + bias
    x32, weight32, bias32 = (array.astype(np.float32) for array in (x, weight, bias))
    np.testing.assert_allclose(
        apply("dense", x32, weight=weight32, bias=bias32), expected, rtol=1e-4, atol=1e-5
    )
    bits, binary_weight = np.where(x < 0, -1, 1).astype(np.int8), np.where(weight < 0, -1, 1).astype(np.int8)
    dots = [[sum(int(a) * int(b) for a, b in zip(row, unit)) for unit in binary_weight] for row in bits]
    np.testing.assert_array_equal(apply("binary_dense", bits, weight=binary_weight), dots)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_threshold_compares_each_channel(dtype: type) -> None:
    x = np.random.RandomState(6).randint(-3, 4, (2, 4, 3, 3)).astype(dtype)
    threshold, flip = np.array([0, 0, 2, -1], dtype=dtype), np.array([False, True, False, True])
    actual = apply("threshold", x, threshold=threshold, flip=flip)
    for channel in range(4):
        for value, bit in zip(x[:, channel].ravel(), actual[:, channel].ravel()):
            wrong = value > threshold[channel] if flip[channel] else value < threshold[channel]
            assert bit == (-1 if wrong else 1)


def test_threshold_of_nan_is_plus_one() -> None:
    x = np.full((1, 2), np.nan, dtype=np.float32)
    bits = apply("threshold", x, threshold=np.float32([np.inf, -np.inf]), flip=np.array([False, True]))
    np.testing.assert_array_equal(bits, [[1, 1]])


def test_elementwise_functions_and_softmax_are_mxnets() -> None:
    x = np.random.RandomState(7).standard_normal((3, 5, 2, 2)).astype(np.float32) * 4
    array = mx.nd.array(x)
    np.testing.assert_array_equal(apply("relu", x), mx.nd.relu(array).asnumpy())
    np.testing.assert_allclose(apply("tanh", x), mx.nd.tanh(array).asnumpy(), rtol=1e-6)
    np.testing.assert_allclose(apply("softmax", x), mx.nd.softmax(array, axis=1).asnumpy(), rtol=1e-5)
    last = apply("softmax", x.transpose(0, 2, 3, 1), CHANNELS_LAST)
    np.testing.assert_allclose(last.transpose(0, 3, 1, 2), apply("softmax", x), rtol=1e-6)


SPECIAL = np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-20, -1e-20, 87.5, -87.5, 104, -104])


@pytest.mark.parametrize("layout", [CHANNELS_FIRST, CHANNELS_LAST])
@pytest.mark.parametrize("channels", [1, 3, 33])
def test_activations_with_numbers_are_mxnets(channels: int, layout: str) -> None:
    random = np.random.RandomState(10)
    x = (random.standard_normal((2, channels, 5, 3)) * 4).astype(np.float32)
    x.ravel()[: SPECIAL.size] = SPECIAL
    array, slope = mx.nd.array(x), random.standard_normal(channels).astype(np.float32)
    low, high = np.float32([-1.5]), np.float32([6])

    def check(op: str, expected: mx.nd.NDArray, exact: bool = True, **constants: np.ndarray) -> None:
        actual = apply(op, x if layout == CHANNELS_FIRST else x.transpose(0, 2, 3, 1), layout, **constants)
        actual = actual if layout == CHANNELS_FIRST else actual.transpose(0, 3, 1, 2)
        # oneDNN's elu is exp(x) - 1 and so loses digits near 0.
        rtol, atol = (0, 0) if exact else (1e-6, 1e-6)
        np.testing.assert_allclose(actual, expected.asnumpy(), rtol=rtol, atol=atol)

    check("clip", mx.nd.clip(array, -1.5, 6), low=low, high=high)
    check("clip", mx.nd.maximum(array, -1.5), low=low, high=np.float32([np.inf]))
    check("prelu", mx.nd.LeakyReLU(array, mx.nd.array(slope), act_type="prelu"), slope=slope)
    leaky = np.full(channels, 0.3, np.float32)
    check("prelu", mx.nd.LeakyReLU(array, act_type="leaky", slope=0.3), slope=leaky)
    check("elu", mx.nd.LeakyReLU(array, act_type="elu", slope=0.3), exact=False, slope=leaky)
    check("sigmoid", mx.nd.sigmoid(array), exact=False)
    check("divide", array / 0.3, divisor=leaky)


def test_sigmoid_has_mxnets_bits_nearly_everywhere() -> None:
    """Where the C library's exponential is not the nearest number, the last bit may differ."""
    x = (np.random.RandomState(11).standard_normal((100, 1000)) * 6).astype(np.float32)
    assert np.mean(apply("sigmoid", x) == mx.nd.sigmoid(mx.nd.array(x)).asnumpy()) > 0.999


@pytest.mark.parametrize(
    ("op", "constants", "message"),
    [
        ("clip", {"low": [1], "high": [0.5]}, "low should not be above high, found 1.0 and 0.5"),
        ("clip", {"low": [np.nan], "high": [1]}, "low should not be above high"),
        ("clip", {"low": [0, 0, 0], "high": [1]}, r"low should have shape \[1\], found \[3\]"),
        ("prelu", {"slope": [1]}, r"slope should have shape \[3\], found \[1\]"),
        ("elu", {"slope": [1, 2]}, r"slope should have shape \[3\], found \[2\]"),
        ("divide", {"divisor": [1, 0, 2]}, "divisors should have magnitudes from 1e-37 to 1e\\+37"),
    ],
)
def test_constants_that_do_not_fit_are_refused(op: str, constants: dict, message: str) -> None:
    arrays = {role: np.float32(values) for role, values in constants.items()}
    with pytest.raises(GraphError, match=message):
        apply(op, np.zeros((2, 3), np.float32), **arrays)


def test_transpose_and_flatten() -> None:
    x = np.arange(2 * 24, dtype=np.float32).reshape(2, 2, 3, 4)
    moved = apply("transpose", x, attrs={"perm": [1, 2, 0]})
    assert moved.shape == (2, 3, 4, 2)
    assert all(
        moved[1, i, j, k] == x[1, k, i, j] for i, j, k in itertools.product(range(3), range(4), range(2))
    )
    np.testing.assert_array_equal(apply("flatten", x), x.reshape(2, 24))


ATTRIBUTES = {"batch_norm": {"epsilon": 1e-3}, "quantize": {"bits": 2}, "code": {"bits": 3}}


def fitting(op: str, constants: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Clip has one pair of limits for all channels, quantize several thresholds for each."""
    if op == "quantize":
        constants["threshold"] = np.stack([constants["threshold"] + i for i in range(3)])
    return {"low": np.float32([-1.5]), "high": np.float32([2])} if op == "clip" else constants


@pytest.mark.parametrize("op", [name for name, operator in OPERATORS.items() if operator.elementwise])
def test_elementwise_operators_commute_with_permutations(op: str) -> None:
    random, operator, channels = np.random.RandomState(8), OPERATORS[op], 6
    order = random.permutation(channels)
    dtype = NUMPY_DTYPES[operator.reads[0]]
    x = (random.standard_normal((4, channels)) * 3).astype(dtype)
    constants = {
        role: random.standard_normal(channels) > 0
        if spec.kind == "mask"
        else random.uniform(0, 2, channels).astype(np.float32)
        for role, spec in operator.constants.items()
    }
    node = Node("node", op, ("x",), ATTRIBUTES.get(op, {}), fitting(op, constants))
    permuted = operator.permute_input(node, order)
    assert permuted is not None
    expected = operator.evaluate(node, x, CHANNELS_LAST)[:, order]
    np.testing.assert_array_equal(operator.evaluate(permuted, x[:, order], CHANNELS_LAST), expected)


@pytest.mark.parametrize(
    "op", [name for name, operator in OPERATORS.items() if operator.monotone or "slope" in operator.constants]
)
def test_monotone_operators_are_monotone_in_each_channel(op: str) -> None:
    random, operator, channels = np.random.RandomState(9), OPERATORS[op], 50
    dtype = NUMPY_DTYPES[operator.reads[0]]
    x = np.sort((random.standard_normal((500, channels)) * 5).astype(dtype), axis=0)
    constants = {role: random.standard_normal(channels).astype(np.float32) for role in operator.constants}
    for role in {"variance", "slope"} & set(constants):
        constants[role] = np.abs(constants[role])
    node = Node("node", op, ("x",), ATTRIBUTES.get(op, {}), fitting(op, constants))
    assert operator.is_monotone(node)
    steps = np.diff(operator.evaluate(node, x, CHANNELS_LAST), axis=0)
    rising, falling = (steps >= 0).all(axis=0), (steps <= 0).all(axis=0)
    assert np.all(rising | falling)
    if operator.is_non_decreasing(node):
        assert np.all(rising)


@pytest.mark.parametrize("op", ["prelu", "elu"])
@pytest.mark.parametrize(("slopes", "monotone"), [([0.5, 0.0], True), ([0.5, -0.1], False)])
def test_slopes_decide_whether_an_activation_is_monotone(op: str, slopes: list, monotone: bool) -> None:
    node = Node("node", op, ("x",), {}, {"slope": np.float32(slopes)})
    steps = np.diff(
        OPERATORS[op].evaluate(node, np.float32([[-2, -2], [-1, -1], [0, 0]]), CHANNELS_LAST), axis=0
    )
    assert bool(np.all(steps >= 0)) == monotone
    assert OPERATORS[op].is_monotone(node) == OPERATORS[op].is_non_decreasing(node) == monotone
