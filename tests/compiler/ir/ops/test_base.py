"""What all operators keep: refusals, permutations of channels, monotony."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST, GraphError, Node, ValueType
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import NUMPY_DTYPES
from bmx.compiler.ir.verifier import infer, with_defaults
from tests.support.ir_operators import apply


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
