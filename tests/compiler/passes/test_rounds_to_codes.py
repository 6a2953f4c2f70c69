"""Rounded numbers of a known range become codes."""

from __future__ import annotations

from typing import Callable

import pytest

from bmx.compiler.ir.graph import GraphError, Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.rounds_to_codes import rounds_to_codes
from tests.support.passes import alive

CLIP3 = "low=f32[1](0) high=f32[1](3)"


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
