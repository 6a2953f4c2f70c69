"""The layout pass, which moves constants so that nothing but the order of the numbers changes."""

from __future__ import annotations

from typing import Callable

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.text import parse
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.to_channels_last import to_channels_last


def test_images_are_transposed_at_the_edges(check_pass: Callable) -> None:
    check_pass(
        to_channels_last,
        """
        graph g channels_first
        input x: f32[2, 4, 5]
        c = conv2d(x) weight=f32[3, 2, 3, 2](seed 1)
        r = relu(c)
        output r
        output x
        """,
        """
        graph g channels_last
        input x: f32[2, 4, 5]
        x_transposed_1: f32[4, 5, 2] = transpose(x) {"perm": [1, 2, 0]}
        c: f32[2, 4, 3] = conv2d(x_transposed_1) weight=f32[3, 3, 2, 2](...)
        r: f32[2, 4, 3] = relu(c)
        r_transposed: f32[3, 2, 4] = transpose(r) {"perm": [2, 0, 1]}
        x_transposed: f32[2, 4, 5] = transpose(x_transposed_1) {"perm": [2, 0, 1]}
        output r_transposed
        output x_transposed
        """,
    )


def test_layers_after_a_flatten_are_reordered(check_pass: Callable) -> None:
    changed = check_pass(
        to_channels_last,
        """
        graph g channels_first
        input x: f32[2, 2, 1]
        f = flatten(x)
        a = affine(f) scale=f32[4](1, 2, 3, 4) shift=f32[4](5, 6, 7, 8)
        r = relu(a)
        d = dense(r) weight=f32[1, 4](10, 20, 30, 40)
        t = threshold(a) threshold=f32[4](1, 2, 3, 4) flip=mask[4](0, 0, 1, 1)
        b = binary_dense(t) weight=bits[1, 4](1, 1, -1, -1)
        c = cast(b)
        output d
        output c
        """,
        """
        graph g channels_last
        input x: f32[2, 2, 1]
        x_transposed: f32[2, 1, 2] = transpose(x) {"perm": [1, 2, 0]}
        f: f32[4] = flatten(x_transposed)
        a: f32[4] = affine(f) scale=f32[4](1.0, 3.0, 2.0, 4.0) shift=f32[4](5.0, 7.0, 6.0, 8.0)
        r: f32[4] = relu(a)
        d: f32[1] = dense(r) weight=f32[1, 4](10.0, 30.0, 20.0, 40.0)
        t: bits[4] = threshold(a) flip=mask[4](0, 1, 0, 1) threshold=f32[4](1.0, 3.0, 2.0, 4.0)
        b: i32[1] = binary_dense(t) weight=bits[1, 4](1, -1, 1, -1)
        c: f32[1] = cast(b)
        output d
        output c
        """,
    )
    assert changed.layout == "channels_last"


@pytest.mark.parametrize("tail", ["softmax(f)", "relu(f)", "flatten(f)"])
def test_where_the_order_shows_the_image_is_transposed_back(tail: str) -> None:
    graph = parse(f"graph g channels_first\ninput x: f32[2, 2, 3]\nf = flatten(x)\nr = {tail}\noutput r")
    changed = to_channels_last(graph)
    assert [node.op for node in changed.nodes][:3] == ["transpose", "transpose", "flatten"]
    x = np.random.RandomState(0).standard_normal((3, 2, 2, 3)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(changed, {"x": x})[0], evaluate(graph, {"x": x})[0])


@pytest.mark.parametrize("other", ["", "d = integer_dense(f) weight=i16[2, 12](seed 1)\noutput d"])
@pytest.mark.parametrize("codes", ['code(x) {"bits": 2}', "sign(x)"])
def test_codes_whose_order_shows_become_real_first(codes: str, other: str) -> None:
    """Bit planes cannot be transposed."""
    graph = parse(
        f"""
        graph g channels_first
        input x: f32[2, 2, 3]
        c = {codes}
        f = flatten(c)
        k = cast(f)
        s = softmax(k)
        a = affine(k) scale=f32[12](seed 1) shift=f32[12](seed 2)
        e = dense(a) weight=f32[3, 12](seed 3)
        output s
        output e
        {other}
        """
    )
    changed = to_channels_last(graph)
    types = verify(changed)
    assert {types[node.inputs[0]].dtype for node in changed.nodes if node.op == "transpose"} == {"f32"}
    assert all(changed.uses(node.name) for node in changed.nodes)
    x = {"x": np.random.RandomState(0).standard_normal((3, 2, 2, 3)).astype(np.float32)}
    for actual, expected in zip(evaluate(changed, x), evaluate(graph, x)):
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_thresholds_of_codes_after_a_flatten_are_reordered(check_pass: Callable) -> None:
    check_pass(
        to_channels_last,
        """
        graph g channels_first
        input x: f32[2, 2, 1]
        f = flatten(x)
        q = quantize(f) {"bits": 1} flip=mask[4](0, 0, 1, 1) threshold=f32[1, 4](1, 2, 3, 4)
        d = integer_dense(q) weight=i16[1, 4](10, 20, 30, 40)
        output d
        """,
        """
        graph g channels_last
        input x: f32[2, 2, 1]
        x_transposed: f32[2, 1, 2] = transpose(x) {"perm": [1, 2, 0]}
        f: f32[4] = flatten(x_transposed)
        q: u1[4] = quantize(f) {"bits": 1} flip=mask[4](0, 1, 0, 1) threshold=f32[1, 4](1.0, 3.0, 2.0, 4.0)
        d: i32[1] = integer_dense(q) weight=i16[1, 4](10, 30, 20, 40)
        output d
        """,
    )


@pytest.mark.parametrize("shape", ["1, 3, 4", "5, 1, 1", "7"])
def test_nothing_is_reordered_where_the_order_is_the_same(shape: str) -> None:
    graph = parse(f"graph g channels_first\ninput x: f32[{shape}]\nf = flatten(x)\nr = relu(f)\noutput r")
    changed = to_channels_last(graph)
    assert [node.op for node in changed.nodes if node.op != "transpose"] == ["flatten", "relu"]
    assert sum(node.op == "transpose" for node in changed.nodes) == (0 if shape == "7" else 1)
