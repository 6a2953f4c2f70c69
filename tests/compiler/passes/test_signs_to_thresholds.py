"""Thresholds against the chains that they replace: the bits are equal for every possible input."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import CHANNELS_FIRST, Graph, Input, Node, ValueType
from bmx.compiler.ir.numerics import float32_from_rank, sign
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.remove_identity import remove_identity
from bmx.compiler.passes.signs_to_thresholds import signs_to_thresholds
from tests.support.passes import adversarial_statistics


def thresholds(graph: Graph) -> Graph:
    return remove_dead_nodes(signs_to_thresholds(graph))


def test_a_lone_sign_compares_with_zero(check_pass: Callable) -> None:
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[2]
        s = sign(x)
        output s
        """,
        """
        graph g channels_first
        input x: f32[2]
        s: bits[2] = threshold(x) flip=mask[2](0, 0) threshold=f32[2](0.0, 0.0)
        output s
        """,
    )


def test_a_chain_on_dot_products_becomes_integers(check_pass: Callable) -> None:
    # Channels: rising at 1.5; falling at 0 (a tie, which is +1); always; never; rising at the last value.
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[5]
        s = sign(x)
        d = binary_dense(s) weight=bits[5, 5](seed 1)
        c = cast(d)
        b = batch_norm(c) {"epsilon": 0.0} gamma=f32[5](1, -2, 0, 0, 1) \
            beta=f32[5](0, 0, 0, -1, 0) mean=f32[5](1.5, 0, 3, 3, 5) variance=f32[5](1, 1, 1, 1, 1)
        r = tanh(b)
        t = sign(r)
        output t
        """,
        """
        graph g channels_first
        input x: f32[5]
        s: bits[5] = threshold(x) flip=mask[5](0, 0, 0, 0, 0) threshold=f32[5](0.0, 0.0, 0.0, 0.0, 0.0)
        d: i32[5] = binary_dense(s) weight=bits[5, 5](...)
        t: bits[5] = threshold(d) flip=mask[5](0, 1, 0, 0, 0) threshold=i32[5](2, 0, -6, 6, 5)
        output t
        """,
    )


def test_leaky_and_clipped_chains_and_quotients_become_integers(check_pass: Callable) -> None:
    # Channel 0 comes to -1 / 3 + 1 / 3 at -4, a tie. Channel 1 is never negative. Channel 2 falls, and the
    # clip holds it below 2.6. Channel 3: 3 / 41 is rounded down, so 41 times that is not yet 3.
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[5]
        s = sign(x)
        d = binary_dense(s) weight=bits[4, 5](seed 1)
        c = cast(d)
        l = prelu(c) slope=f32[4](0.25, 0, 1, 1)
        k = clip(l) low=f32[1](-2.5) high=f32[1](inf)
        q = divide(k) divisor=f32[4](3, 3, -1, 41)
        a = affine(q) scale=f32[4](1, 1, 1, 41) shift=f32[4](0.33333334, 0.33333334, -2.6, -3)
        t = sign(a)
        output t
        """,
        """
        graph g channels_first
        input x: f32[5]
        s: bits[5] = threshold(x) flip=mask[5](0, 0, 0, 0, 0) threshold=f32[5](0.0, 0.0, 0.0, 0.0, 0.0)
        d: i32[4] = binary_dense(s) weight=bits[4, 5](...)
        t: bits[4] = threshold(d) flip=mask[4](0, 0, 0, 0) threshold=i32[4](-4, -6, 6, 4)
        output t
        """,
    )


def test_the_chain_ends_at_a_negative_slope(check_pass: Callable) -> None:
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[2]
        l = prelu(x) slope=f32[2](0.5, -0.5)
        a = affine(l) scale=f32[2](2, 2) shift=f32[2](-1, -1)
        s = sign(a)
        output s
        """,
        """
        graph g channels_first
        input x: f32[2]
        l: f32[2] = prelu(x) slope=f32[2](0.5, -0.5)
        s: bits[2] = threshold(l) flip=mask[2](0, 0) threshold=f32[2](0.5, 0.5)
        output s
        """,
    )


def test_a_chain_on_real_values_becomes_floats(check_pass: Callable) -> None:
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[4, 3, 3]
        b = batch_norm(x) {"epsilon": 0.0} gamma=f32[4](2, -1, 0, 0) \
            beta=f32[4](-1, -0.5, -0.0, -1e-30) mean=f32[4](0.25, 0, 3, 3) variance=f32[4](1, 1, 1, 1)
        s = sign(b)
        output s
        """,
        """
        graph g channels_first
        input x: f32[4, 3, 3]
        s: bits[4, 3, 3] = threshold(x) flip=mask[4](0, 1, 0, 0) threshold=f32[4](0.75, -0.5, -inf, inf)
        output s
        """,
    )


def test_a_constant_after_an_overflow_is_still_constant(check_pass: Callable) -> None:
    # The affine of the largest numbers is infinite, and infinity times a gamma of 0 is NaN, whose sign is +1.
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[2]
        a = affine(x) scale=f32[2](100, -100) shift=f32[2](0, 0)
        b = batch_norm(a) {"epsilon": 0.0} gamma=f32[2](0, 0) beta=f32[2](-1, 1) mean=f32[2](0, 0) \
            variance=f32[2](1, 1)
        s = sign(b)
        output s
        """,
        """
        graph g channels_first
        input x: f32[2]
        s: bits[2] = threshold(x) flip=mask[2](0, 0) threshold=f32[2](inf, -inf)
        output s
        """,
    )


def test_values_inside_the_chain_stay_for_other_readers(check_pass: Callable) -> None:
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[2]
        a = affine(x) scale=f32[2](2, -1) shift=f32[2](1, 1)
        t = tanh(a)
        s = sign(t)
        output s
        output a
        """,
        """
        graph g channels_first
        input x: f32[2]
        a: f32[2] = affine(x) scale=f32[2](2.0, -1.0) shift=f32[2](1.0, 1.0)
        s: bits[2] = threshold(x) flip=mask[2](0, 1) threshold=f32[2](-0.5, 1.0)
        output s
        output a
        """,
    )


def test_the_chain_ends_where_an_operator_is_not_monotone(check_pass: Callable) -> None:
    check_pass(
        thresholds,
        """
        graph g channels_first
        input x: f32[2]
        f = softmax(x)
        a = affine(f) scale=f32[2](2, 2) shift=f32[2](-1, -1)
        s = sign(a)
        output s
        """,
        """
        graph g channels_first
        input x: f32[2]
        f: f32[2] = softmax(x)
        s: bits[2] = threshold(f) flip=mask[2](0, 0) threshold=f32[2](0.5, 0.5)
        output s
        """,
    )


def mxnet_signs(x: np.ndarray, statistics: dict[str, np.ndarray], relu: bool, tanh: bool) -> np.ndarray:
    arrays = [mx.nd.array(statistics[role]) for role in ("gamma", "beta", "mean", "variance")]
    y = mx.nd.relu(mx.nd.array(x)) if relu else mx.nd.array(x)
    y = mx.nd.BatchNorm(y, *arrays, eps=1e-5, fix_gamma=False)
    return sign((mx.nd.tanh(y) if tanh else y).asnumpy())


def normalized_sign(x: str, statistics: dict[str, np.ndarray], relu: bool, tanh: bool) -> list[Node]:
    """The IR of `mxnet_signs`; the last node is 'out'."""
    return [
        Node("before", "relu" if relu else "identity", (x,)),
        Node("bn", "batch_norm", ("before",), {"epsilon": 1e-5}, statistics),
        Node("after", "tanh" if tanh else "identity", ("bn",)),
        Node("out", "sign", ("after",)),
    ]


@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_integer_thresholds_have_mxnets_bits(relu: bool, tanh: bool, pooled: bool) -> None:
    """Every dot product that can occur, on batch norms made to be tied."""
    bound, channels = 576, 400
    random = np.random.RandomState(0)
    statistics = adversarial_statistics(bound, channels, random)
    weight = random.choice([-1, 1], (channels, 64, 3, 3)).astype(np.int8)
    conv = {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1, "pad_value": 0}
    pool = {"kernel": [1, 1], "strides": [1, 1], "padding": [0, 0], "ceil_mode": False}
    nodes = [
        Node("bits", "sign", ("x",)),
        Node("dot", "binary_conv2d", ("bits",), conv, {"weight": weight}),
        Node("pool", "max_pool2d", ("dot",), pool),
        Node("cast", "cast", ("pool" if pooled else "dot",)),
        *normalized_sign("cast", statistics, relu, tanh),
    ]
    graph = Graph("g", [Input("x", ValueType("f32", (64, 8, 8)))], nodes, ["out"], CHANNELS_FIRST)
    compiled = signs_to_thresholds(remove_identity(graph))
    verify(compiled)
    node = compiled.producers()["out"]
    assert (node.op, node.inputs) == ("threshold", ("pool" if pooled else "dot",))
    assert node.constants["threshold"].dtype == np.int32

    dots = np.repeat(np.arange(-bound, bound + 1, dtype=np.int32)[:, np.newaxis], channels, axis=1)
    actual = OPERATORS["threshold"].evaluate(node, dots, CHANNELS_FIRST)
    expected = mxnet_signs(dots.astype(np.float32), statistics, relu, tanh)
    np.testing.assert_array_equal(actual, expected)
    assert 0 < np.mean(expected == 1) < 1, "the test should see both signs"
    image = mxnet_signs(dots.astype(np.float32).reshape(-1, channels, 1, 1), statistics, relu, tanh)
    np.testing.assert_array_equal(actual[..., np.newaxis, np.newaxis], image)


@pytest.mark.parametrize("tanh", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_float_thresholds_have_mxnets_bits(relu: bool, tanh: bool) -> None:
    """The numbers around each threshold, where the comparison is decided, and random ones."""
    channels = 400
    random = np.random.RandomState(1)
    statistics = adversarial_statistics(5, channels, random)
    nodes = normalized_sign("x", statistics, relu, tanh)
    graph = Graph("g", [Input("x", ValueType("f32", (channels,)))], nodes, ["out"], CHANNELS_FIRST)
    compiled = signs_to_thresholds(remove_identity(graph))
    threshold = compiled.producers()["out"].constants["threshold"]
    near = np.where(np.isfinite(threshold), threshold, np.float32(0))
    up, down = near, near
    rows = [near]
    for _ in range(5):
        up, down = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))
        rows += [up, down]
    ranks = random.randint(-2139095040, 2139095039, (200, channels))
    x = np.concatenate([np.stack(rows), float32_from_rank(ranks), random.standard_normal((200, channels))])
    x = x.astype(np.float32)
    np.testing.assert_array_equal(evaluate(compiled, {"x": x})[0], mxnet_signs(x, statistics, relu, tanh))


def test_nan_gives_plus_one_whatever_the_channel() -> None:
    statistics = {"gamma": [1, -1, 2], "beta": [0, 3, -1], "mean": [0, 1, 2], "variance": [1, 1, 1]}
    constants = {role: np.float32(values) for role, values in statistics.items()}
    nodes = [Node("bn", "batch_norm", ("x",), {"epsilon": 1e-5}, constants), Node("out", "sign", ("bn",))]
    graph = Graph("g", [Input("x", ValueType("f32", (3,)))], nodes, ["out"], CHANNELS_FIRST)
    x = np.full((2, 3), np.nan, dtype=np.float32)
    for version in (graph, signs_to_thresholds(graph)):
        np.testing.assert_array_equal(evaluate(version, {"x": x})[0], np.ones((2, 3)))
