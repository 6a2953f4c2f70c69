"""Affines before a layer move into its weights."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.affine_into_next_weights import affine_into_next_weights


def test_affine_into_next_weights(check_pass: Callable) -> None:
    check_pass(
        affine_into_next_weights,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        a = affine(x) scale=f32[2](2, 4) shift=f32[2](1, -1)
        b = conv2d(a) weight=f32[1, 2, 1, 1](3, 5) bias=f32[1](7)
        c = affine(x) scale=f32[2](2, 4) shift=f32[2](0, 0)
        d = conv2d(c) {"groups": 2, "padding": [1, 1]} weight=f32[2, 1, 1, 1](3, 5)
        e = flatten(b)
        f = affine(e) scale=f32[4](1, 2, 3, 4) shift=f32[4](1, 1, 1, 1)
        h = dense(f) weight=f32[1, 4](1, 1, 1, 2)
        output d
        output h
        """,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        b: f32[1, 2, 2] = conv2d(x) bias=f32[1](5.0) weight=f32[1, 2, 1, 1](6.0, 20.0)
        d: f32[2, 4, 4] = conv2d(x) {"groups": 2, "padding": [1, 1]} weight=f32[2, 1, 1, 1](6.0, 20.0)
        e: f32[4] = flatten(b)
        h: f32[1] = dense(e) bias=f32[1](5.0) weight=f32[1, 4](1.0, 2.0, 3.0, 8.0)
        output d
        output h
        """,
        exact=False,
    )


def test_affine_before_a_layer_stays_where_it_must(check_pass: Callable) -> None:
    """A shift under padding, a value that somebody else reads, an affine of integers."""
    text = """
        graph g channels_first
        input x: f32[2, 3, 3]
        a: f32[2, 3, 3] = affine(x) scale=f32[2](2.0, 4.0) shift=f32[2](1.0, 0.0)
        b: f32[1, 5, 5] = conv2d(a) {"padding": [1, 1]} weight=f32[1, 2, 1, 1](3.0, 5.0)
        c: f32[2, 3, 3] = affine(x) scale=f32[2](2.0, 4.0) shift=f32[2](0.0, 0.0)
        d: f32[1, 3, 3] = conv2d(c) weight=f32[1, 2, 1, 1](3.0, 5.0)
        s: bits[2, 3, 3] = sign(x)
        t: i32[2, 3, 3] = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        u: f32[2, 3, 3] = affine(t) scale=f32[2](2.0, 4.0) shift=f32[2](1.0, -1.0)
        v: f32[1, 3, 3] = conv2d(u) weight=f32[1, 2, 1, 1](3.0, 5.0)
        output b
        output d
        output c
        output v
        """
    check_pass(affine_into_next_weights, text, text)
