"""Layers of codes and of small weights: IR text in, IR text out, and the same numbers before and after."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.binary_weights import binary_weights
from bmx.compiler.passes.integer_layers import integer_layers
from bmx.compiler.passes.layers_side_by_side import layers_side_by_side


def test_codes_times_integers_are_integers(check_pass: Callable) -> None:
    """Step, the filters' scale and bias come after the layer; other readers of the codes are left alone."""
    changed = check_pass(
        integer_layers,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        c = code(x) {"bits": 2}
        r = cast(c)
        d = conv2d(r) {"padding": [1, 1], "strides": [2, 2]} weight=f32[3, 2, 3, 3](integers 1)
        a = affine(r) scale=f32[2](0.5, 0.5) shift=f32[2](0, 0)
        e = conv2d(a) {"groups": 2} weight=f32[2, 1, 1, 1](-2, 1) bias=f32[2](3, 4.5)
        f = flatten(a)
        g = dense(f) weight=f32[2, 32](signs 2)
        output d
        output e
        output g
        output a
        """,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        c: u2[2, 4, 4] = code(x) {"bits": 2}
        r: f32[2, 4, 4] = cast(c)
        d: i32[3, 2, 2] = integer_conv2d(c) {"padding": [1, 1], "strides": [2, 2]} weight=i16[3, 2, 3, 3](...)
        d_cast: f32[3, 2, 2] = cast(d)
        a: f32[2, 4, 4] = affine(r) scale=f32[2](0.5, 0.5) shift=f32[2](0.0, 0.0)
        e: i32[2, 4, 4] = integer_conv2d(c) {"groups": 2} weight=i16[2, 1, 1, 1](-2, 1)
        e_cast: f32[2, 4, 4] = cast(e)
        e_scale: f32[2, 4, 4] = affine(e_cast) scale=f32[2](0.5, 0.5) shift=f32[2](3.0, 4.5)
        f: f32[32] = flatten(a)
        g_flatten: u2[32] = flatten(c)
        g: i32[2] = integer_dense(g_flatten) weight=i16[2, 32](...)
        g_cast: f32[2] = cast(g)
        g_scale: f32[2] = affine(g_cast) scale=f32[2](0.5, 0.5) shift=f32[2](0.0, 0.0)
        output d_cast
        output e_scale
        output g_scale
        output a
        """,
    )
    assert changed.rounded == {"e", "g"}


def test_signs_times_signs_are_a_binary_layer(check_pass: Callable) -> None:
    check_pass(
        integer_layers,
        """
        graph g channels_first
        input x: f32[2, 3, 3]
        s = sign(x)
        k = cast(s)
        d = conv2d(k) {"padding": [1, 1]} weight=f32[2, 2, 1, 1](1, -1, -1, 1)
        f = flatten(s)
        g = cast(f)
        h = dense(g) weight=f32[3, 18](signs 1)
        i = dense(g) weight=f32[3, 18](integers 1)
        output d
        output h
        output i
        """,
        """
        graph g channels_first
        input x: f32[2, 3, 3]
        s: bits[2, 3, 3] = sign(x)
        k: f32[2, 3, 3] = cast(s)
        d: i32[2, 5, 5] = binary_conv2d(s) {"padding": [1, 1]} weight=bits[2, 2, 1, 1](1, -1, -1, 1)
        d_cast: f32[2, 5, 5] = cast(d)
        f: bits[18] = flatten(s)
        g: f32[18] = cast(f)
        h: i32[3] = binary_dense(f) weight=bits[3, 18](...)
        h_cast: f32[3] = cast(h)
        i: i32[3] = integer_dense(f) weight=i16[3, 18](...)
        i_cast: f32[3] = cast(i)
        output d_cast
        output h_cast
        output i_cast
        """,
    )


@pytest.mark.parametrize(
    "lines",
    [
        "d = dense(k) weight=f32[3, 9](seed 1)",
        "a = affine(k) scale=f32[9](integers 1) shift=f32[9](0, 0, 0, 0, 0, 0, 0, 0, 0)\n"
        "d = dense(a) weight=f32[3, 9](signs 1)",
        "a = affine(k) scale=f32[9](2, 2, 2, 2, 2, 2, 2, 2, 2) shift=f32[9](1, 1, 1, 1, 1, 1, 1, 1, 1)\n"
        "d = dense(a) weight=f32[3, 9](signs 1)",
        "a = tanh(k)\nd = dense(a) weight=f32[3, 9](signs 1)",
        "d = dense(x) weight=f32[3, 9](signs 1)",
        "d = dense(k) weight=f32[1, 9](1, 2, 3, 4, 5, 6, 7, 8, 128)",
        "d = dense(k) weight=f32[1, 9](1, 1, 3, 1, 5, 1, 7, 1, 257)",
    ],
)
def test_other_layers_stay_real(lines: str) -> None:
    graph = parse(
        f'graph g channels_first\ninput x: f32[9]\nc = code(x) {{"bits": 2}}\nk = cast(c)\n{lines}\noutput d'
    )
    assert integer_layers(graph) == graph


def test_a_layer_whose_sums_may_leave_32_bits_stays_real() -> None:
    graph = parse(
        """
        graph g channels_first
        input x: f32[70000]
        c = code(x) {"bits": 8}
        k = cast(c)
        d = dense(k) weight=f32[1, 70000](integers 1)
        output d
        """
    )
    weight = graph.producers()["d"].constants["weight"].copy()
    assert integer_layers(graph).producers()["d"].op == "integer_dense"
    weight[0, 0] = -128
    graph.replace_node("d", graph.producers()["d"].with_constants(weight=weight))
    assert integer_layers(graph) == graph


def test_sums_that_float32_does_not_hold_are_noted() -> None:
    text = """
        graph g channels_first
        input x: f32[300]
        c = code(x) {"bits": 8}
        k = cast(c)
        d = dense(k) weight=f32[1, 300](seed 1)
        output d
        """
    for magnitude, rounded in ((120, set()), (-128, set()), (255, {"d"})):
        graph = parse(text)
        weight = np.full((1, 300), magnitude, np.float32)
        weight[0, 0] -= (
            2 if magnitude > 0 else 0
        )  # not one magnitude alone, which would be the scale of a sign
        weight[0, 1] += 4 if magnitude < 0 else 0
        graph.replace_node("d", graph.producers()["d"].with_constants(weight=weight))
        changed = integer_layers(graph)
        assert changed.producers()["d"].op == "integer_dense"
        assert changed.rounded == rounded, magnitude


def test_what_integer_layers_stand_for() -> None:
    graph = parse(
        """
        graph g channels_first
        input x: f32[2]
        c = code(x) {"bits": 2}
        r = cast(c)
        a = affine(r) scale=f32[2](0.5, 0.5) shift=f32[2](0, 0)
        d = dense(r) weight=f32[3, 2](integers 1)
        e = dense(a) weight=f32[3, 2](integers 1)
        output d
        output e
        """
    )
    graph.origins = {"d": Origin("dense0"), "e": Origin("dense1")}
    origins = integer_layers(graph).origins
    assert origins == {"d": Origin("dense0"), "d_cast": Origin("dense0"), "e_scale": Origin("dense1")}


def test_weights_of_one_magnitude_are_bits(check_pass: Callable) -> None:
    changed = check_pass(
        binary_weights,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        d = conv2d(x) {"padding": [1, 1]} weight=f32[3, 2, 3, 3](signs 1) bias=f32[3](1, 0, -1)
        e = conv2d(d) {"groups": 3} weight=f32[3, 1, 2, 2](seed 1)
        f = flatten(e)
        g = dense(f) weight=f32[2, 27](signs 1)
        output g
        """,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        d: f32[3, 4, 4] = binary_weight_conv2d(x) {"padding": [1, 1]} weight=bits[3, 2, 3, 3](...)
        d_scale: f32[3, 4, 4] = affine(d) scale=f32[3](1.0, 1.0, 1.0) shift=f32[3](1.0, 0.0, -1.0)
        e: f32[3, 3, 3] = conv2d(d_scale) {"groups": 3} weight=f32[3, 1, 2, 2](...)
        f: f32[27] = flatten(e)
        g: f32[2] = binary_weight_dense(f) weight=bits[2, 27](...)
        output g
        """,
        exact=False,
    )
    assert changed.rounded == set()


@pytest.mark.parametrize(
    "weight",
    [
        "f32[1, 8](1, 1, 1, 1, 1, 1, 1, 1)",
        "f32[1, 8](1, -1, 1, 1, 1, 1, 1, 2)",
        "f32[2, 8](1, -1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)",
        "f32[1, 8](seed 1)",
    ],
)
def test_other_weights_stay_real(weight: str) -> None:
    graph = parse(f"graph g channels_first\ninput x: f32[8]\nd = dense(x) weight={weight}\noutput d")
    assert binary_weights(graph) == graph


def test_magnitudes_of_filters_are_their_scale() -> None:
    weight = np.random.RandomState(0).choice([-1, 1], (4, 2, 2, 2)).astype(np.float32)
    scale = np.float32([0.1, 3, 1e-3, 7]).reshape(-1, 1, 1, 1)
    graph = parse(
        """
        graph g channels_first
        input x: f32[2, 5, 5]
        d = conv2d(x) weight=f32[4, 2, 2, 2](seed 1)
        output d
        """
    )
    graph.replace_node("d", graph.producers()["d"].with_constants(weight=weight * scale))
    graph.origins = {"d": Origin("conv0")}
    changed = binary_weights(graph)
    assert [node.op for node in changed.nodes] == ["binary_weight_conv2d", "affine"]
    np.testing.assert_array_equal(changed.producers()["d_scale"].constants["scale"], scale.ravel())
    assert changed.origins == {"d_scale": Origin("conv0")}
    x = {"x": np.random.RandomState(1).standard_normal((3, 2, 5, 5)).astype(np.float32)}
    np.testing.assert_allclose(evaluate(changed, x)[0], evaluate(graph, x)[0], rtol=1e-5, atol=1e-5)


def test_narrow_layers_of_one_input_are_one(check_pass: Callable) -> None:
    changed = check_pass(
        layers_side_by_side,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        s = sign(x)
        c = binary_conv2d(s) weight=bits[8, 3, 1, 1](seed 1)
        k = cast(c)
        d = binary_conv2d(s) weight=bits[16, 3, 1, 1](seed 2)
        a = affine(d) scale=f32[16](seed 3) shift=f32[16](seed 4)
        e = integer_conv2d(s) weight=i16[8, 3, 1, 1](seed 5)
        l = cast(e)
        f = binary_conv2d(s) {"padding": [1, 1]} weight=bits[8, 3, 1, 1](seed 6)
        m = cast(f)
        h = binary_conv2d(s) weight=bits[8, 3, 1, 1](seed 7)
        n = cast(h)
        o = cast(h)
        i = binary_conv2d(s) weight=bits[40, 3, 1, 1](seed 8)
        p = cast(i)
        j = binary_conv2d(s) weight=bits[4, 3, 1, 1](seed 9)
        q = cast(j)
        output a
        output k
        output l
        output m
        output n
        output o
        output p
        output q
        """,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        s: bits[3, 2, 2] = sign(x)
        c_joined: i32[24, 2, 2] = binary_conv2d(s) weight=bits[24, 3, 1, 1](...)
        c_joined_real: f32[24, 2, 2] = affine(c_joined) scale=f32[24](...) shift=f32[24](...)
        k: f32[8, 2, 2] = slice(c_joined_real) {"begin": [0, 0, 0], "end": [8, 2, 2]}
        a: f32[16, 2, 2] = slice(c_joined_real) {"begin": [8, 0, 0], "end": [24, 2, 2]}
        e: i32[8, 2, 2] = integer_conv2d(s) weight=i16[8, 3, 1, 1](...)
        l: f32[8, 2, 2] = cast(e)
        f: i32[8, 4, 4] = binary_conv2d(s) {"padding": [1, 1]} weight=bits[8, 3, 1, 1](...)
        m: f32[8, 4, 4] = cast(f)
        h: i32[8, 2, 2] = binary_conv2d(s) weight=bits[8, 3, 1, 1](...)
        n: f32[8, 2, 2] = cast(h)
        o: f32[8, 2, 2] = cast(h)
        i: i32[40, 2, 2] = binary_conv2d(s) weight=bits[40, 3, 1, 1](...)
        p: f32[40, 2, 2] = cast(i)
        j: i32[4, 2, 2] = binary_conv2d(s) weight=bits[4, 3, 1, 1](...)
        q: f32[4, 2, 2] = cast(j)
        output a
        output k
        output l
        output m
        output n
        output o
        output p
        output q
        """,
    )
    assert changed.origins == {}
