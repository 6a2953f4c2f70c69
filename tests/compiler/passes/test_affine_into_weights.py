"""Affines after a layer move into its weights."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.affine_into_weights import affine_into_weights


def test_affines_move_into_weights(check_pass: Callable) -> None:
    check_pass(
        affine_into_weights,
        """
        graph g channels_first
        input x: f32[1, 3, 2]
        c = conv2d(x) weight=f32[1, 1, 1, 2](1, 2)
        a = affine(c) scale=f32[1](-2) shift=f32[1](1)
        f = flatten(a)
        d = dense(f) weight=f32[2, 3](1, 2, 3, 4, 5, 6) bias=f32[2](1, 2)
        b = affine(d) scale=f32[2](10, 0) shift=f32[2](1, -0.5)
        output b
        """,
        """
        graph g channels_first
        input x: f32[1, 3, 2]
        c: f32[1, 3, 1] = conv2d(x) bias=f32[1](1.0) weight=f32[1, 1, 1, 2](-2.0, -4.0)
        f: f32[3] = flatten(c)
        d: f32[2] = dense(f) bias=f32[2](11.0, -0.5) weight=f32[2, 3](10.0, 20.0, 30.0, 0.0, 0.0, 0.0)
        output d
        """,
        exact=False,
    )


def test_affines_stay_after_a_layer_with_other_readers(check_pass: Callable) -> None:
    text = """
        graph g channels_first
        input x: f32[2]
        d: f32[1] = dense(x) weight=f32[1, 2](1.0, 2.0)
        a: f32[1] = affine(d) scale=f32[1](3.0) shift=f32[1](1.0)
        output a
        output d
        """
    check_pass(affine_into_weights, text, text)
