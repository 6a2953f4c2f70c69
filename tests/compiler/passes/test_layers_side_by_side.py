"""Narrow layers of one input become one."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.layers_side_by_side import layers_side_by_side


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
