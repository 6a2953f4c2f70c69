"""Reshapes, slices and transposes in the other layout."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.to_channels_last import to_channels_last


def test_reshapes_keep_the_order_of_training(check_pass: Callable) -> None:
    check_pass(
        to_channels_last,
        """
        graph g channels_first
        input x: f32[2, 3, 4]
        a = reshape(x) {"shape": [4, 2, 3]}
        r = relu(a)
        m = reshape(r) {"shape": [2, 12]}
        s = softmax(m)
        c = reshape(s) {"shape": [24, 1, 1]}
        o = reshape(c) {"shape": [1, 4, 6]}
        output o
        """,
        """
        graph g channels_last
        input x: f32[2, 3, 4]
        x_transposed_1: f32[3, 4, 2] = transpose(x) {"perm": [1, 2, 0]}
        x_transposed: f32[2, 3, 4] = transpose(x_transposed_1) {"perm": [2, 0, 1]}
        a_first: f32[4, 2, 3] = reshape(x_transposed) {"shape": [4, 2, 3]}
        a: f32[2, 3, 4] = transpose(a_first) {"perm": [1, 2, 0]}
        r: f32[2, 3, 4] = relu(a)
        r_transposed: f32[4, 2, 3] = transpose(r) {"perm": [2, 0, 1]}
        m: f32[2, 12] = reshape(r_transposed) {"shape": [2, 12]}
        m_transposed: f32[12, 2] = transpose(m) {"perm": [1, 0]}
        s_moved: f32[12, 2] = softmax(m_transposed)
        s: f32[2, 12] = transpose(s_moved) {"perm": [1, 0]}
        c: f32[1, 1, 24] = reshape(s) {"shape": [1, 1, 24]}
        o: f32[4, 6, 1] = reshape(c) {"shape": [4, 6, 1]}
        o_transposed: f32[1, 4, 6] = transpose(o) {"perm": [2, 0, 1]}
        output o_transposed
        """,
    )


def test_slices_and_transposes_of_images_turn_with_the_layout(check_pass: Callable) -> None:
    check_pass(
        to_channels_last,
        """
        graph g channels_first
        input x: f32[2, 3, 4]
        s = slice(x) {"begin": [1, 0, 2], "end": [2, 3, 4]}
        t = transpose(s) {"perm": [2, 0, 1]}
        v = slice(t) {"begin": [0, 0, 1], "end": [2, 1, 3]}
        f = flatten(v)
        w = slice(f) {"begin": [1], "end": [3]}
        output w
        """,
        """
        graph g channels_last
        input x: f32[2, 3, 4]
        x_transposed: f32[3, 4, 2] = transpose(x) {"perm": [1, 2, 0]}
        s: f32[3, 2, 1] = slice(x_transposed) {"begin": [0, 2, 1], "end": [3, 4, 2]}
        t: f32[1, 3, 2] = transpose(s) {"perm": [2, 0, 1]}
        v: f32[1, 2, 2] = slice(t) {"begin": [0, 1, 0], "end": [1, 3, 2]}
        v_transposed: f32[2, 1, 2] = transpose(v) {"perm": [2, 0, 1]}
        f: f32[4] = flatten(v_transposed)
        w: f32[2] = slice(f) {"begin": [1], "end": [3]}
        output w
        """,
    )
