"""Reshapes and transposes in a row become one."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.merge_reshapes import merge_reshapes


def test_reshapes_and_transposes_merge(check_pass: Callable) -> None:
    check_pass(
        merge_reshapes,
        """
        graph g channels_first
        input x: f32[4, 1, 1]
        f = flatten(x)
        t = tanh(f)
        a = reshape(t) {"shape": [4, 1]}
        b = reshape(a) {"shape": [4, 1, 1]}
        c = relu(b)
        d = reshape(f) {"shape": [4, 1, 1]}
        e = mul(c, d)
        h = transpose(e) {"perm": [1, 2, 0]}
        i = transpose(h) {"perm": [2, 0, 1]}
        j = relu(i)
        k = transpose(j) {"perm": [1, 0, 2]}
        l = transpose(k) {"perm": [0, 2, 1]}
        output l
        """,
        """
        graph g channels_first
        input x: f32[4, 1, 1]
        f: f32[4] = flatten(x)
        t: f32[4] = tanh(f)
        b: f32[4, 1, 1] = reshape(t) {"shape": [4, 1, 1]}
        c: f32[4, 1, 1] = relu(b)
        e: f32[4, 1, 1] = mul(c, x)
        j: f32[4, 1, 1] = relu(e)
        l: f32[1, 1, 4] = transpose(j) {"perm": [1, 2, 0]}
        output l
        """,
    )


def test_what_is_read_again_and_what_the_net_returns_stays(check_pass: Callable) -> None:
    check_pass(
        merge_reshapes,
        """
        graph g channels_first
        input x: f32[6]
        a = reshape(x) {"shape": [2, 3]}
        b = reshape(a) {"shape": [3, 2]}
        c = flatten(b)
        output a
        output c
        """,
        """
        graph g channels_first
        input x: f32[6]
        a: f32[2, 3] = reshape(x) {"shape": [2, 3]}
        c: f32[6] = flatten(x)
        output a
        output c
        """,
    )
