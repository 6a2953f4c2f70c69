"""Nodes that compute the same become one."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.merge_equal_nodes import merge_equal_nodes


def test_merge_equal_nodes(check_pass: Callable) -> None:
    check_pass(
        merge_equal_nodes,
        """
        graph g channels_first
        input x: f32[4]
        a = sign(x)
        b = sign(x)
        c = binary_dense(a) weight=bits[2, 4](seed 1)
        d = binary_dense(b) weight=bits[2, 4](seed 1)
        e = binary_dense(b) weight=bits[2, 4](seed 2)
        f = cast(c)
        g = cast(d)
        h = cast(e)
        i = add(f, g)
        j = tanh(i)
        k = tanh(i)
        output j
        output h
        output k
        """,
        """
        graph g channels_first
        input x: f32[4]
        a: bits[4] = sign(x)
        c: i32[2] = binary_dense(a) weight=bits[2, 4](1, 1, -1, -1, 1, 1, 1, 1)
        e: i32[2] = binary_dense(a) weight=bits[2, 4](-1, 1, 1, -1, -1, 1, -1, 1)
        f: f32[2] = cast(c)
        h: f32[2] = cast(e)
        i: f32[2] = add(f, f)
        j: f32[2] = tanh(i)
        k: f32[2] = tanh(i)
        output j
        output h
        output k
        """,
    )
