"""Layers of codes and of small weights: IR text in, IR text out, and the same numbers before and after."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.graph import Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.integer_layers import integer_layers


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
