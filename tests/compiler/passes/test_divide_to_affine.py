"""Divisions become affines."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.divide_to_affine import divide_to_affine


def test_divisions_become_affine(check_pass: Callable) -> None:
    check_pass(
        divide_to_affine,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        d = divide(x) divisor=f32[3](4, -0.8, 3)
        output d
        """,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        d: f32[3, 2, 2] = affine(x) scale=f32[3](0.25, -1.25, 0.33333334) shift=f32[3](0.0, 0.0, 0.0)
        output d
        """,
        exact=False,
    )
