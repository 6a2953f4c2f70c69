"""Zeros around an image become the padding of convolutions."""

from __future__ import annotations

from typing import Callable

import pytest

from bmx.compiler.passes.pads_into_convolutions import pads_into_convolutions


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
