"""Thresholds of codes against the chains that they replace: equal for every possible input."""

from __future__ import annotations

from typing import Callable

import mxnet as mx
import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import CHANNELS_FIRST, Graph, Input, Node, Origin, ValueType
from bmx.compiler.ir.numerics import float32_from_rank
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.text import parse
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.codes_to_quantize import codes_to_quantize
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.signs_to_thresholds import signs_to_thresholds
from tests.support.passes import adversarial_statistics


def alive(run_pass: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    """The pass, without the nodes that it leaves without readers."""
    return lambda graph: remove_dead_nodes(run_pass(graph))


def test_a_lone_code_compares_with_halves(check_pass: Callable) -> None:
    check_pass(
        codes_to_quantize,
        """
        graph g channels_first
        input x: f32[2]
        c = code(x) {"bits": 2}
        output c
        """,
        """
        graph g channels_first
        input x: f32[2]
        c: u2[2] = quantize(x) {"bits": 2} flip=mask[2](0, 0) \
threshold=f32[3, 2](0.5, 0.5, 1.5, 1.5, 2.5, 2.5)
        output c
        """,
    )


def test_codes_of_dot_products_compare_integers(check_pass: Callable) -> None:
    # Channels: halves; falling; always 2; never above 0; sums go to 15, so 3 is reached at 6 only.
    check_pass(
        alive(codes_to_quantize),
        """
        graph g channels_first
        input x: f32[3]
        s = code(x) {"bits": 2}
        d = integer_dense(s) weight=i16[4, 3](1, 1, 1, 1, -1, 3, 1, 2, 2, 0, 0, 1)
        k = cast(d)
        a = affine(k) scale=f32[4](0.5, -1, 0, -1) shift=f32[4](0, 2, 2, 0)
        c = code(a) {"bits": 2}
        output c
        """,
        """
        graph g channels_first
        input x: f32[3]
        s: u2[3] = quantize(x) {"bits": 2} flip=mask[3](0, 0, 0) threshold=f32[3, 3](...)
        d: i32[4] = integer_dense(s) weight=i16[4, 3](...)
        c: u2[4] = quantize(d) {"bits": 2} flip=mask[4](0, 1, 0, 1) threshold=i32[3, 4](...)
        output c
        """,
    )


def test_places_of_codes_of_dot_products() -> None:
    graph = parse(
        """
        graph g channels_first
        input x: f32[3]
        s = code(x) {"bits": 2}
        d = integer_dense(s) weight=i16[3, 3](1, 1, 1, 1, -1, 3, 1, 2, 2)
        k = cast(d)
        a = affine(k) scale=f32[3](0.5, -1, 0) shift=f32[3](0, 2, 2)
        c = code(a) {"bits": 2}
        output c
        """
    )
    constants = codes_to_quantize(graph).producers()["c"].constants
    # Bound 15. Halves are rounded up; 2 - x is 2 below 0.5 (counted from above, one of the three is reached).
    np.testing.assert_array_equal(constants["threshold"], [[1, 0, -16], [3, 1, -16], [5, 2, 16]])
    np.testing.assert_array_equal(constants["flip"], [False, True, False])


def test_codes_are_not_made_twice(check_pass: Callable) -> None:
    """A QActivation hands on codes times their step; the layer after it quantizes them again."""
    check_pass(
        alive(codes_to_quantize),
        """
        graph g channels_first
        input x: f32[2]
        c = code(x) {"bits": 2}
        k = cast(c)
        a = affine(k) scale=f32[2](0.33333334, 0.33333334) shift=f32[2](0, 0)
        b = affine(a) scale=f32[2](3, 3) shift=f32[2](0, 0)
        e = code(b) {"bits": 2}
        d = integer_dense(e) weight=i16[1, 2](1, 2)
        f = affine(k) scale=f32[2](2, 2) shift=f32[2](0, 0)
        g = code(f) {"bits": 2}
        h = integer_dense(g) weight=i16[1, 2](1, 2)
        output d
        output h
        """,
        """
        graph g channels_first
        input x: f32[2]
        c: u2[2] = quantize(x) {"bits": 2} flip=mask[2](0, 0) \
threshold=f32[3, 2](0.5, 0.5, 1.5, 1.5, 2.5, 2.5)
        k: f32[2] = cast(c)
        d: i32[1] = integer_dense(c) weight=i16[1, 2](1, 2)
        g: u2[2] = quantize(k) {"bits": 2} flip=mask[2](0, 0) \
threshold=f32[3, 2](0.25, 0.25, 0.75, 0.75, 1.25, 1.25)
        h: i32[1] = integer_dense(g) weight=i16[1, 2](1, 2)
        output d
        output h
        """,
    )


def test_a_code_of_a_sign_compares_what_the_sign_compares() -> None:
    """A step function: 0 where a number is negative, otherwise 1."""
    graph = parse(
        """
        graph g channels_first
        input x: f32[2]
        n = affine(x) scale=f32[2](2, -2) shift=f32[2](-1, 1)
        s = sign(n)
        k = cast(s)
        a = affine(k) scale=f32[2](0.5, 0.5) shift=f32[2](0.5, 0.5)
        c = code(a) {"bits": 1}
        b = affine(k) scale=f32[2](-0.5, 0.5) shift=f32[2](0.5, 1.5)
        d = code(b) {"bits": 2}
        output c
        output d
        """
    )
    graph.origins = {"s": Origin("bn0", sign=True), "c": Origin("round0"), "d": Origin("round1")}
    changed = remove_dead_nodes(codes_to_quantize(graph))
    assert [(node.op, node.inputs) for node in changed.nodes] == [("quantize", ("x",))] * 2
    assert changed.origins["c"] == Origin("bn0", sign=True, code=1)
    assert changed.origins["d"] == Origin("round1"), "not 0 or the largest code"
    x = {"x": np.float32([[0.5, 0.5], [0.49999997, 0.50000006], [-3, 9], [9, -3]])}
    for actual, expected in zip(evaluate(changed, x), evaluate(graph, x)):
        np.testing.assert_array_equal(actual, expected)


def test_the_sign_of_a_cast_is_its_bits(check_pass: Callable) -> None:
    check_pass(
        alive(signs_to_thresholds),
        """
        graph g channels_first
        input x: f32[2]
        s = sign(x)
        k = cast(s)
        a = affine(k) scale=f32[2](3, 3) shift=f32[2](1, 0)
        t = sign(a)
        d = binary_dense(t) weight=bits[1, 2](1, -1)
        b = affine(k) scale=f32[2](3, -3) shift=f32[2](1, 0)
        u = sign(b)
        e = binary_dense(u) weight=bits[1, 2](1, -1)
        output d
        output e
        """,
        """
        graph g channels_first
        input x: f32[2]
        s: bits[2] = threshold(x) flip=mask[2](0, 0) threshold=f32[2](0.0, 0.0)
        k: f32[2] = cast(s)
        d: i32[1] = binary_dense(s) weight=bits[1, 2](1, -1)
        u: bits[2] = threshold(k) flip=mask[2](0, 1) threshold=f32[2](-0.3333333, 0.0)
        e: i32[1] = binary_dense(u) weight=bits[1, 2](1, -1)
        output d
        output e
        """,
    )


def mxnet_codes(x: np.ndarray, statistics: dict[str, np.ndarray], bits: int) -> np.ndarray:
    arrays = [mx.nd.array(statistics[role]) for role in ("gamma", "beta", "mean", "variance")]
    largest = 2**bits - 1
    y = mx.nd.BatchNorm(mx.nd.array(x), *arrays, eps=1e-5, fix_gamma=False)
    return mx.nd.round(mx.nd.clip(y * largest, 0, largest)).asnumpy()


def coded(x: str, statistics: dict[str, np.ndarray], bits: int) -> list[Node]:
    """The IR of `mxnet_codes`; the last node is 'out'."""
    channels = len(statistics["gamma"])
    scale = np.full(channels, 2**bits - 1, np.float32)
    return [
        Node("bn", "batch_norm", (x,), {"epsilon": 1e-5}, statistics),
        Node("times", "affine", ("bn",), {}, {"scale": scale, "shift": np.zeros(channels, np.float32)}),
        Node("out", "code", ("times",), {"bits": bits}),
    ]


@pytest.mark.parametrize("bits", range(1, 9))
def test_integer_thresholds_have_mxnets_codes(bits: int) -> None:
    """Every sum that can occur, on batch norms made to be tied."""
    channels, random = 200, np.random.RandomState(bits)
    weight = random.randint(-3, 4, (channels, 40)).astype(np.int16)
    bound = 3 * int(np.abs(weight).sum(axis=1).max())
    statistics = adversarial_statistics(bound, channels, random)
    statistics["variance"] *= random.choice([1, bound**2], channels).astype(np.float32)
    nodes = [
        Node("code", "code", ("x",), {"bits": 2}),
        Node("dot", "integer_dense", ("code",), {}, {"weight": weight}),
        Node("cast", "cast", ("dot",)),
        *coded("cast", statistics, bits),
    ]
    graph = Graph("g", [Input("x", ValueType("f32", (40,)))], nodes, ["out"], CHANNELS_FIRST)
    compiled = codes_to_quantize(graph)
    verify(compiled)
    node = compiled.producers()["out"]
    assert (node.op, node.inputs) == ("quantize", ("dot",))
    dots = np.repeat(np.arange(-bound, bound + 1, dtype=np.int32)[:, np.newaxis], channels, axis=1)
    actual = OPERATORS["quantize"].evaluate(node, dots, CHANNELS_FIRST)
    np.testing.assert_array_equal(actual, mxnet_codes(dots.astype(np.float32), statistics, bits))
    assert len(np.unique(actual)) > 0.9 * 2**bits, "the test should see nearly all codes"


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_float_thresholds_have_mxnets_codes(bits: int) -> None:
    """The numbers around each threshold, where the comparison is decided, and random ones."""
    channels, random = 100, np.random.RandomState(bits)
    statistics = adversarial_statistics(5, channels, random)
    nodes = coded("x", statistics, bits)
    graph = Graph("g", [Input("x", ValueType("f32", (channels,)))], nodes, ["out"], CHANNELS_FIRST)
    compiled = codes_to_quantize(graph)
    threshold = compiled.producers()["out"].constants["threshold"]
    near = np.where(np.isfinite(threshold), threshold, np.float32(0))
    rows, up, down = [near], near, near
    for _ in range(3):
        up, down = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))
        rows += [up, down]
    ranks = random.randint(-2139095040, 2139095039, (200, channels))
    x = np.concatenate([*rows, float32_from_rank(ranks), random.standard_normal((200, channels))])
    x = x.astype(np.float32)
    np.testing.assert_array_equal(evaluate(compiled, {"x": x})[0], mxnet_codes(x, statistics, bits))
