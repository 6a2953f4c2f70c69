"""Codes are made before an image is flattened."""

from __future__ import annotations

from typing import Callable

import pytest

from bmx.compiler.ir.graph import Origin
from bmx.compiler.ir.text import parse
from bmx.compiler.passes.codes_through_flatten import codes_through_flatten


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
def test_codes_stay_after_a_flatten(lines: str, outputs: str) -> None:
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
