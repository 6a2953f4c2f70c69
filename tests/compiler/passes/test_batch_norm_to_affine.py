"""Batch norms become affines."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.batch_norm_to_affine import batch_norm_to_affine


def test_batch_norm_becomes_affine(check_pass: Callable) -> None:
    check_pass(
        batch_norm_to_affine,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        b = batch_norm(x) {"epsilon": 0.25} gamma=f32[3](2, -1, 0) beta=f32[3](0.5, 0, 3) \
            mean=f32[3](4, 1, 2) variance=f32[3](15.75, 0, 1)
        output b
        """,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        b: f32[3, 2, 2] = affine(x) scale=f32[3](0.5, -2.0, 0.0) shift=f32[3](-1.5, 2.0, 3.0)
        output b
        """,
        exact=False,
    )
