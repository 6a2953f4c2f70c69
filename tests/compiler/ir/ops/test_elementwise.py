"""Functions of one number against MXNet's."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.graph import CHANNELS_FIRST, CHANNELS_LAST, Node
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops import OPERATORS
from tests.support.ir_operators import apply


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


@pytest.mark.parametrize("op", ["prelu", "elu"])
@pytest.mark.parametrize(("slopes", "monotone"), [([0.5, 0.0], True), ([0.5, -0.1], False)])
def test_slopes_decide_whether_an_activation_is_monotone(op: str, slopes: list, monotone: bool) -> None:
    node = Node("node", op, ("x",), {}, {"slope": np.float32(slopes)})
    steps = np.diff(
        OPERATORS[op].evaluate(node, np.float32([[-2, -2], [-1, -1], [0, 0]]), CHANNELS_LAST), axis=0
    )
    assert bool(np.all(steps >= 0)) == monotone
    assert OPERATORS[op].is_monotone(node) == OPERATORS[op].is_non_decreasing(node) == monotone


def test_round_is_mxnets() -> None:
    x = np.arange(-40, 41, dtype=np.float32) / 4
    x = np.concatenate([x, np.float32([0.49999997, -0.49999997, 8388609, -8388607.5, 3e38, -np.inf])])
    np.testing.assert_array_equal(round_half_away(x), mx.nd.round(mx.nd.array(x)).asnumpy())
