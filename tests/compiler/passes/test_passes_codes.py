"""Passes on values of a few bits: IR text in, IR text out, and the same numbers before and after."""

from __future__ import annotations

from typing import Callable

import pytest

from bmx.compiler.ir.graph import Graph, GraphError, Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.codes_through_flatten import codes_through_flatten
from bmx.compiler.passes.codes_to_quantize import codes_to_quantize
from bmx.compiler.passes.pool_before_codes import pool_before_codes
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.rounds_to_codes import rounds_to_codes

CLIP3 = "low=f32[1](0) high=f32[1](3)"


def alive(run_pass: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
    """The pass, without the nodes that it leaves without readers."""
    return lambda graph: remove_dead_nodes(run_pass(graph))


def test_a_round_of_a_clip_is_a_code(check_pass: Callable) -> None:
    check_pass(
        alive(rounds_to_codes),
        f"""
        graph g channels_first
        input x: f32[4]
        c = clip(x) {CLIP3}
        r = round(c)
        t = tanh(r)
        output t
        """,
        """
        graph g channels_first
        input x: f32[4]
        r_codes: u2[4] = code(x) {"bits": 2}
        r: f32[4] = cast(r_codes)
        t: f32[4] = tanh(r)
        output t
        """,
    )


def test_the_range_of_a_round_is_that_of_all_above_it(check_pass: Callable) -> None:
    check_pass(
        rounds_to_codes,
        """
        graph g channels_first
        input x: f32[2]
        s = sigmoid(x)
        a = affine(s) scale=f32[2](7, 5.4) shift=f32[2](0, 0.25)
        r = round(a)
        k = relu(x)
        c = clip(k) low=f32[1](-inf) high=f32[1](1)
        q = round(c)
        output r
        output q
        """,
        """
        graph g channels_first
        input x: f32[2]
        s: f32[2] = sigmoid(x)
        a: f32[2] = affine(s) scale=f32[2](7.0, 5.4) shift=f32[2](0.0, 0.25)
        r_codes: u3[2] = code(a) {"bits": 3}
        r: f32[2] = cast(r_codes)
        k: f32[2] = relu(x)
        c: f32[2] = clip(k) high=f32[1](1.0) low=f32[1](-inf)
        q_codes: u1[2] = code(c) {"bits": 1}
        q: f32[2] = cast(q_codes)
        output r
        output q
        """,
    )


@pytest.mark.parametrize(
    ("above", "found"),
    [
        ("c = clip(x) low=f32[1](-1) high=f32[1](3)", "found -1 to 3"),
        ("c = clip(x) low=f32[1](0) high=f32[1](256)", "found 0 to 256"),
        ("c = relu(x)", r"found 0 to 3\.4"),
        ("c = softmax(x)", r"found -3\.4"),
    ],
)
def test_a_round_without_a_clip_is_an_error(above: str, found: str) -> None:
    graph = parse(f"graph g channels_first\ninput x: f32[2]\n{above}\nr = round(c)\noutput r")
    with pytest.raises(GraphError, match=rf"'r': rounded numbers .* {found}.*F\.clip\(y, 0, 2\*\*bits - 1\)"):
        rounds_to_codes(graph)


def test_what_codes_stand_for() -> None:
    graph = parse(
        f"""
        graph g channels_first
        input x: f32[2]
        a = affine(x) scale=f32[2](3, 3) shift=f32[2](0, 0)
        c = clip(a) {CLIP3}
        r = round(c)
        t = tanh(x)
        u = clip(t) {CLIP3}
        q = round(u)
        output r
        output q
        """
    )
    graph.origins = {"a": Origin("mul0", 1), "r": Origin("round0"), "q": Origin("round1")}
    origins = rounds_to_codes(graph).origins
    assert origins["r_codes"] == Origin("mul0", 1, code=3)
    assert origins["r"] == Origin("round0")
    assert origins["q_codes"] == Origin("round1"), "nothing is known of t"


def test_codes_are_made_before_an_image_is_flattened(check_pass: Callable) -> None:
    check_pass(
        codes_through_flatten,
        """
        graph g channels_first
        input x: f32[2, 2, 1]
        f = flatten(x)
        a = affine(f) scale=f32[4](3, 3, 5, 5) shift=f32[4](0, 0, 1, 1)
        c = code(a) {"bits": 2}
        k = cast(c)
        output k
        """,
        """
        graph g channels_first
        input x: f32[2, 2, 1]
        a_image: f32[2, 2, 1] = affine(x) scale=f32[2](3.0, 5.0) shift=f32[2](0.0, 1.0)
        c_image: u2[2, 2, 1] = code(a_image) {"bits": 2}
        c: u2[4] = flatten(c_image)
        k: f32[4] = cast(c)
        output k
        """,
    )


def test_a_flatten_of_codes_stands_for_the_codes() -> None:
    graph = parse(
        """
        graph g channels_first
        input x: f32[2, 2, 1]
        f = flatten(x)
        c = code(f) {"bits": 2}
        k = cast(c)
        output k
        """
    )
    graph.origins = {"f": Origin("flatten0"), "c": Origin("flatten0", code=3), "k": Origin("round0")}
    changed = codes_through_flatten(graph)
    assert changed.origins == {"c": Origin("flatten0", code=3), "k": Origin("round0")}
    assert changed.producers()["c"].op == "flatten"


@pytest.mark.parametrize(
    ("lines", "outputs"),
    [
        ("a = affine(f) scale=f32[4](3, 3, 5, 4) shift=f32[4](0, 0, 1, 1)", "k"),
        ("a = affine(f) scale=f32[4](3, 3, 5, 5) shift=f32[4](0, 0, 1, 1)", "a"),
        ("a = softmax(f)", "k"),
    ],
)
def test_codes_stay_behind_a_flatten(lines: str, outputs: str) -> None:
    graph = parse(
        f"""
        graph g channels_first
        input x: f32[2, 2, 1]
        f = flatten(x)
        {lines}
        c = code(a) {{"bits": 2}}
        k = cast(c)
        output {outputs}
        """
    )
    assert codes_through_flatten(graph) == graph


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
