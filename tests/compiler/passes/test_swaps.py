"""Neighbors that commute change places: IR text in, IR text out, and the same numbers."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes import REGISTRY

POOL = '{"kernel": [3, 3], "padding": [1, 1], "strides": [2, 2]}'


def test_pool_goes_before_a_chain_of_activations(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_activation"],
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        r = relu(x)
        t = tanh(r)
        p = max_pool2d(t) {POOL}
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        r: f32[2, 4, 3] = relu(p)
        t: f32[2, 4, 3] = tanh(r)
        output t
        """,
    )


def test_pool_goes_before_slopes_that_are_not_negative(check_pass: Callable) -> None:
    before = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        c: f32[2, 7, 5] = clip(x) high=f32[1](1.0) low=f32[1](-inf)
        l: f32[2, 7, 5] = prelu(c) slope=f32[2](0.5, 0.0)
        p: f32[2, 4, 3] = max_pool2d(l) {POOL}
        output p
        """
    after = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        c: f32[2, 4, 3] = clip(p) high=f32[1](1.0) low=f32[1](-inf)
        l: f32[2, 4, 3] = prelu(c) slope=f32[2](0.5, 0.0)
        output l
        """
    check_pass(REGISTRY["pool_before_activation"], before, after)
    falling = before.replace("(0.5, 0.0)", "(0.5, -0.5)")
    check_pass(REGISTRY["pool_before_activation"], falling, falling)


def test_pool_goes_before_a_cast(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_activation"],
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s = sign(x)
        b = binary_conv2d(s) weight=bits[3, 2, 1, 1](seed 1)
        c = cast(b)
        p = max_pool2d(c) {POOL}
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        b: i32[3, 7, 5] = binary_conv2d(s) weight=bits[3, 2, 1, 1](1, 1, -1, -1, 1, 1)
        p: i32[3, 4, 3] = max_pool2d(b) {POOL}
        c: f32[3, 4, 3] = cast(p)
        output c
        """,
    )


def test_pool_stays_after_a_value_with_other_readers_and_after_an_affine(check_pass: Callable) -> None:
    for lines in (
        f"r: f32[2, 7, 5] = relu(x)\np: f32[2, 4, 3] = max_pool2d(r) {POOL}\noutput p\noutput r",
        f"r: f32[2, 7, 5] = relu(x)\nq: f32[2, 7, 5] = tanh(r)\np: f32[2, 4, 3] = max_pool2d(r) {POOL}\n"
        "output p\noutput q",
        "a: f32[2, 7, 5] = affine(x) scale=f32[2](1.0, -1.0) shift=f32[2](0.0, 1.0)\n"
        f"p: f32[2, 4, 3] = max_pool2d(a) {POOL}\noutput p",
    ):
        text = f"graph g channels_first\ninput x: f32[2, 7, 5]\n{lines}"
        check_pass(REGISTRY["pool_before_activation"], text, text)


def test_sign_goes_through_max_pool_and_flatten(check_pass: Callable) -> None:
    before = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p = max_pool2d(x) {POOL}
        f = flatten(p)
        s = sign(f)
        output s
        """
    middle = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        s: bits[2, 4, 3] = sign(p)
        f: bits[24] = flatten(s)
        output f
        """
    after = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        p: bits[2, 4, 3] = max_pool2d(s) {POOL}
        f: bits[24] = flatten(p)
        output f
        """
    check_pass(REGISTRY["sign_through_flatten"], before, middle)
    check_pass(REGISTRY["sign_through_max_pool"], middle, after)


def test_sign_goes_through_a_padding_of_pixels_only(check_pass: Callable) -> None:
    before = """
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 9, 6] = pad2d(x) {"edge": true, "padding": [1, 1, 1, 0]}
        s: bits[2, 9, 6] = sign(p)
        output s
        """
    after = """
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        p: bits[2, 9, 6] = pad2d(s) {"edge": true, "padding": [1, 1, 1, 0]}
        output p
        """
    check_pass(REGISTRY["sign_through_pad"], before, after)
    zeros = before.replace('"edge": true, ', "")
    check_pass(REGISTRY["sign_through_pad"], zeros, zeros)


def test_sign_stays_after_a_pool_with_other_readers(check_pass: Callable) -> None:
    text = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        s: bits[2, 4, 3] = sign(p)
        r: f32[2, 4, 3] = relu(p)
        output s
        output r
        """
    check_pass(REGISTRY["sign_through_max_pool"], text, text)


def test_pool_before_affine(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_affine"],
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        a = affine(x) scale=f32[2](2, 0) shift=f32[2](1, -1)
        p = max_pool2d(a) {"kernel": [2, 2], "strides": [2, 2]}
        b = affine(x) scale=f32[2](2, -1) shift=f32[2](1, -1)
        q = max_pool2d(b) {"kernel": [2, 2], "strides": [2, 2]}
        s = sign(x)
        c = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        d = affine(c) scale=f32[2](2, 1) shift=f32[2](1, -1)
        r = max_pool2d(d) {"kernel": [2, 2], "strides": [2, 2]}
        output p
        output q
        output r
        """,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        p: f32[2, 2, 2] = max_pool2d(x) {"kernel": [2, 2], "strides": [2, 2]}
        a: f32[2, 2, 2] = affine(p) scale=f32[2](2.0, 0.0) shift=f32[2](1.0, -1.0)
        b: f32[2, 4, 4] = affine(x) scale=f32[2](2.0, -1.0) shift=f32[2](1.0, -1.0)
        q: f32[2, 2, 2] = max_pool2d(b) {"kernel": [2, 2], "strides": [2, 2]}
        s: bits[2, 4, 4] = sign(x)
        c: i32[2, 4, 4] = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        d: f32[2, 4, 4] = affine(c) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, -1.0)
        r: f32[2, 2, 2] = max_pool2d(d) {"kernel": [2, 2], "strides": [2, 2]}
        output a
        output q
        output r
        """,
    )
