"""Affines read integers without a cast."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.absorb_casts import absorb_casts


def test_casts_are_absorbed_but_stay_for_other_readers(check_pass: Callable) -> None:
    check_pass(
        absorb_casts,
        """
        graph g channels_first
        input x: f32[3]
        s = sign(x)
        d = binary_dense(s) weight=bits[2, 3](seed 1)
        c = cast(d)
        a = affine(c) scale=f32[2](2, 1) shift=f32[2](1, 0)
        r = relu(c)
        output a
        output r
        """,
        """
        graph g channels_first
        input x: f32[3]
        s: bits[3] = sign(x)
        d: i32[2] = binary_dense(s) weight=bits[2, 3](1, 1, -1, -1, 1, 1)
        c: f32[2] = cast(d)
        a: f32[2] = affine(d) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, 0.0)
        r: f32[2] = relu(c)
        output a
        output r
        """,
    )
