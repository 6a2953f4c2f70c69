"""Numbers are pooled before they become codes."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.ir.text import parse
from bmx.compiler.passes.codes_to_quantize import codes_to_quantize
from bmx.compiler.passes.pool_before_codes import pool_before_codes
from tests.support.passes import alive

POOL = '{"kernel": [2, 2], "strides": [2, 2]}'


def test_numbers_are_pooled_before_codes(check_pass: Callable) -> None:
    check_pass(
        pool_before_codes,
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        s = sign(x)
        d = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, 1, 1, -1)
        k = cast(d)
        n = batch_norm(k) {{"epsilon": 0.0}} gamma=f32[2](1, 2) beta=f32[2](0, 1) mean=f32[2](0, 1) \
            variance=f32[2](1, 1)
        a = affine(n) scale=f32[2](3, 3) shift=f32[2](0, 0)
        c = code(a) {{"bits": 2}}
        r = cast(c)
        q = affine(r) scale=f32[2](0.5, 0.5) shift=f32[2](0, 0)
        p = max_pool2d(q) {POOL}
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        s: bits[2, 4, 4] = sign(x)
        d: i32[2, 4, 4] = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, 1, 1, -1)
        d_pooled: i32[2, 2, 2] = max_pool2d(d) {POOL}
        k_pooled: f32[2, 2, 2] = cast(d_pooled)
        n_pooled: f32[2, 2, 2] = batch_norm(k_pooled) {{"epsilon": 0.0}} beta=f32[2](0.0, 1.0) \
gamma=f32[2](1.0, 2.0) mean=f32[2](0.0, 1.0) variance=f32[2](1.0, 1.0)
        a_pooled: f32[2, 2, 2] = affine(n_pooled) scale=f32[2](3.0, 3.0) shift=f32[2](0.0, 0.0)
        c_pooled: u2[2, 2, 2] = code(a_pooled) {{"bits": 2}}
        r_pooled: f32[2, 2, 2] = cast(c_pooled)
        p: f32[2, 2, 2] = affine(r_pooled) scale=f32[2](0.5, 0.5) shift=f32[2](0.0, 0.0)
        output p
        """,
    )


def test_a_pooling_stops_where_numbers_fall_or_are_read(check_pass: Callable) -> None:
    check_pass(
        pool_before_codes,
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        n = batch_norm(x) {{"epsilon": 0.0}} gamma=f32[2](1, -2) beta=f32[2](0, 1) mean=f32[2](0, 1) \
            variance=f32[2](1, 1)
        c = code(n) {{"bits": 2}}
        r = cast(c)
        p = max_pool2d(r) {POOL}
        t = relu(x)
        d = code(t) {{"bits": 2}}
        s = cast(d)
        q = max_pool2d(s) {POOL}
        output p
        output q
        output s
        output t
        """,
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        n: f32[2, 4, 4] = batch_norm(x) {{"epsilon": 0.0}} beta=f32[2](0.0, 1.0) gamma=f32[2](1.0, -2.0) \
mean=f32[2](0.0, 1.0) variance=f32[2](1.0, 1.0)
        n_pooled: f32[2, 2, 2] = max_pool2d(n) {POOL}
        c_pooled: u2[2, 2, 2] = code(n_pooled) {{"bits": 2}}
        p: f32[2, 2, 2] = cast(c_pooled)
        t: f32[2, 4, 4] = relu(x)
        d: u2[2, 4, 4] = code(t) {{"bits": 2}}
        s: f32[2, 4, 4] = cast(d)
        t_pooled: f32[2, 2, 2] = max_pool2d(t) {POOL}
        d_pooled: u2[2, 2, 2] = code(t_pooled) {{"bits": 2}}
        q: f32[2, 2, 2] = cast(d_pooled)
        output p
        output q
        output s
        output t
        """,
    )


def test_a_pooling_passes_what_other_codes_take_in(check_pass: Callable) -> None:
    """A block and its shortcut read the same codes, the shortcut after a pooling."""
    check_pass(
        alive(lambda graph: codes_to_quantize(pool_before_codes(graph))),
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        t = softmax(x)
        a = affine(t) scale=f32[2](3, 3) shift=f32[2](0, 0)
        c = code(a) {{"bits": 1}}
        r = cast(c)
        p = max_pool2d(r) {POOL}
        output r
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 4, 4]
        t: f32[2, 4, 4] = softmax(x)
        c: u1[2, 4, 4] = quantize(t) {{"bits": 1}} flip=mask[2](0, 0) \
threshold=f32[1, 2](0.16666667, 0.16666667)
        r: f32[2, 4, 4] = cast(c)
        t_pooled: f32[2, 2, 2] = max_pool2d(t) {POOL}
        c_pooled: u1[2, 2, 2] = quantize(t_pooled) {{"bits": 1}} flip=mask[2](0, 0) \
threshold=f32[1, 2](0.16666667, 0.16666667)
        p: f32[2, 2, 2] = cast(c_pooled)
        output r
        output p
        """,
    )


def test_a_pooling_without_codes_stays() -> None:
    graph = parse(
        f"graph g channels_first\ninput x: f32[2, 4, 4]\nt = relu(x)\np = max_pool2d(t) {POOL}\noutput p"
    )
    assert pool_before_codes(graph) == graph
