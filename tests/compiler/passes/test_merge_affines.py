"""Affines in a row become one."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.merge_affines import merge_affines


def test_affines_merge(check_pass: Callable) -> None:
    check_pass(
        merge_affines,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        a = affine(x) scale=f32[2](2, 1) shift=f32[2](1, 0)
        b = affine(a) scale=f32[2](3, -1) shift=f32[2](0, 4)
        c = affine(b) scale=f32[2](0.5, 1) shift=f32[2](0, 1)
        output c
        """,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        c: f32[2, 2, 2] = affine(x) scale=f32[2](3.0, -1.0) shift=f32[2](1.5, 5.0)
        output c
        """,
        exact=False,
    )


def test_affines_with_other_readers_stay(check_pass: Callable) -> None:
    text = """
        graph g channels_first
        input x: f32[2]
        a: f32[2] = affine(x) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, 0.0)
        b: f32[2] = affine(a) scale=f32[2](3.0, -1.0) shift=f32[2](0.0, 4.0)
        output b
        output a
        """
    check_pass(merge_affines, text, text)
