"""The passes on reshapes, transposes and paddings: IR text in, IR text out, and the same numbers."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.merge_reshapes import merge_reshapes
from bmx.compiler.passes.pads_into_convolutions import pads_into_convolutions
from bmx.compiler.passes.reshapes_to_shuffles import reshapes_to_shuffles
from bmx.compiler.passes.to_channels_last import to_channels_last


def test_three_steps_become_a_shuffle(check_pass: Callable) -> None:
    check_pass(
        reshapes_to_shuffles,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split = reshape(x) {"shape": [3, 2, 2, 5]}
        swap = transpose(split) {"perm": [1, 0, 2, 3]}
        back = reshape(swap) {"shape": [6, 2, 5]}
        flat = flatten(x)
        pairs = reshape(flat) {"shape": [12, 5]}
        turned = transpose(pairs) {"perm": [1, 0]}
        vector = flatten(turned)
        output back
        output vector
        """,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        back: f32[6, 2, 5] = shuffle_channels(x) {"groups": 3}
        flat: f32[60] = flatten(x)
        vector: f32[60] = shuffle_channels(flat) {"groups": 12}
        output back
        output vector
        """,
    )


def test_steps_with_other_readers_stay_for_them(check_pass: Callable) -> None:
    check_pass(
        reshapes_to_shuffles,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split = reshape(x) {"shape": [3, 2, 10]}
        swap = transpose(split) {"perm": [1, 0, 2]}
        back = reshape(swap) {"shape": [6, 2, 5]}
        output swap
        output back
        """,
        """
        graph g channels_first
        input x: f32[6, 2, 5]
        split: f32[3, 2, 10] = reshape(x) {"shape": [3, 2, 10]}
        swap: f32[2, 3, 10] = transpose(split) {"perm": [1, 0, 2]}
        back: f32[6, 2, 5] = shuffle_channels(x) {"groups": 3}
        output swap
        output back
        """,
    )


@pytest.mark.parametrize(
    ("split", "perm", "back"),
    [
        ("3, 2, 2, 5", "0, 1, 3, 2", "6, 2, 5"),  # other axes
        ("3, 2, 2, 5", "1, 0, 3, 2", "6, 2, 5"),
        ("3, 2, 2, 5", "1, 0, 2, 3", "6, 5, 2"),  # another shape after it
        ("3, 4, 5", "1, 0, 2", "6, 2, 5"),  # not only channels
    ],
)
def test_other_moves_are_no_shuffles(split: str, perm: str, back: str) -> None:
    graph = parse(f"""
        graph g channels_first
        input x: f32[6, 2, 5]
        a = reshape(x) {{"shape": [{split}]}}
        b = transpose(a) {{"perm": [{perm}]}}
        c = reshape(b) {{"shape": [{back}]}}
        output c
    """)
    assert [node.op for node in reshapes_to_shuffles(graph).nodes] == ["reshape", "transpose", "reshape"]
    x = np.random.RandomState(0).standard_normal((2, 6, 2, 5)).astype(np.float32)
    for run_pass in (to_channels_last, merge_reshapes):
        expected = evaluate(graph, {"x": x})[0]
        graph = run_pass(graph)
        np.testing.assert_array_equal(evaluate(graph, {"x": x})[0], expected)


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


def test_equal_padding_moves_into_real_convolutions(check_pass: Callable) -> None:
    check_pass(
        pads_into_convolutions,
        """
        graph g channels_first
        input x: f32[2, 5, 4]
        p = pad2d(x) {"padding": [1, 1, 2, 2]}
        c = conv2d(p) {"padding": [0, 1]} weight=f32[1, 2, 1, 2](1, 2, 3, 4)
        q = pad2d(p) {"padding": [3, 3, 0, 0]}
        d = conv2d(q) {"strides": [2, 2]} weight=f32[1, 2, 1, 2](1, 2, 3, 4)
        output c
        output d
        """,
        """
        graph g channels_first
        input x: f32[2, 5, 4]
        p: f32[2, 7, 8] = pad2d(x) {"padding": [1, 1, 2, 2]}
        c: f32[1, 7, 9] = conv2d(p) {"padding": [0, 1]} weight=f32[1, 2, 1, 2](1.0, 2.0, 3.0, 4.0)
        d: f32[1, 7, 4] = conv2d(p) {"padding": [3, 0], "strides": [2, 2]} \
weight=f32[1, 2, 1, 2](1.0, 2.0, 3.0, 4.0)
        output c
        output d
        """,
    )


@pytest.mark.parametrize(
    "lines",
    [
        'p: f32[2, 7, 4] = pad2d(x) {"edge": true, "padding": [1, 1, 0, 0]}\n'
        "c: f32[1, 7, 4] = conv2d(p) weight=f32[1, 2, 1, 1](1.0, 2.0)\noutput c",
        'p: f32[2, 6, 4] = pad2d(x) {"padding": [0, 1, 0, 0]}\n'
        "c: f32[1, 6, 4] = conv2d(p) weight=f32[1, 2, 1, 1](1.0, 2.0)\noutput c",
        'p: f32[2, 7, 4] = pad2d(x) {"padding": [1, 1, 0, 0]}\n'
        "c: f32[1, 7, 4] = conv2d(p) weight=f32[1, 2, 1, 1](1.0, 2.0)\noutput c\noutput p",
        'p: f32[2, 7, 4] = pad2d(x) {"padding": [1, 1, 0, 0]}\n'
        "c: f32[1, 7, 4] = conv2d(p) weight=f32[1, 2, 1, 1](1.0, 2.0)\n"
        "r: f32[2, 7, 4] = relu(p)\noutput c\noutput r",
        'p: f32[2, 7, 4] = pad2d(x) {"padding": [1, 1, 0, 0]}\ns: bits[2, 7, 4] = sign(p)\n'
        "c: i32[1, 7, 4] = binary_conv2d(s) weight=bits[1, 2, 1, 1](1, -1)\noutput c",
    ],
)
def test_other_padding_stays(check_pass: Callable, lines: str) -> None:
    text = f"graph g channels_first\ninput x: f32[2, 5, 4]\n{lines}"
    check_pass(pads_into_convolutions, text, text)


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
