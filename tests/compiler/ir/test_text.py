"""The IR as text."""

from __future__ import annotations

import numpy as np
import pytest

from bmx.compiler.ir.graph import GraphError
from bmx.compiler.ir.text import parse, to_text

EXAMPLE = """
graph example channels_first
input data: f32[2, 5, 5]
sign0: bits[2, 5, 5] = sign(data)
conv0 = binary_conv2d(sign0) {"pad_value": -1, "strides": [2, 2]} weight=bits[3, 2, 3, 3](seed 1)
t0: bits[3, 2, 2] = threshold(conv0) flip=mask[3](0, 1, 0) threshold=i32[3](-2, 0, 7)
f0: bits[12] = flatten(t0)
d0: i32[2] = binary_dense(f0) weight=bits[2, 12](seed 2)
a0: f32[2] = affine(d0) scale=f32[2](0.5, -1e-07) shift=f32[2](inf, -0.0)
output a0
"""


def test_printing_and_parsing_are_inverse() -> None:
    graph = parse(EXAMPLE)
    text = to_text(graph, None)
    again = parse(text)
    assert to_text(again, None) == text
    for node, other in zip(graph.nodes, again.nodes):
        assert (node.name, node.op, node.inputs, node.attrs) == (
            other.name,
            other.op,
            other.inputs,
            other.attrs,
        )
        for role, array in node.constants.items():
            assert array.dtype == other.constants[role].dtype
            np.testing.assert_array_equal(array, other.constants[role])


def test_large_constants_are_elided_and_small_ones_are_not() -> None:
    lines = to_text(parse(EXAMPLE)).splitlines()
    assert lines[3].endswith('{"pad_value": -1, "strides": [2, 2]} weight=bits[3, 2, 3, 3](...)')
    assert lines[7] == "a0: f32[2] = affine(d0) scale=f32[2](0.5, -1e-07) shift=f32[2](inf, -0.0)"
    with pytest.raises(GraphError, match="give its values or"):
        parse("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("y: f32[3] = relu(x)", "declared as f32\\[3\\], but is f32\\[4\\]"),
        ("y = relu x", "cannot read 'y = relu x'"),
        ("y = rel(x)", "no operator is named 'rel'"),
        ("y = relu(z)", "reads 'z', which no input or node before it computes"),
        ("x = relu(x)", "two values are named 'x'"),
        ("y = binary_dense(x) weight=bits[2, 4](seed 1)", "binary_dense reads bits, found f32\\[4\\]"),
        ('y = relu(x) {"slope": 1}', "relu has no attribute 'slope'"),
        (
            'y = transpose(x) {"perm": [1]}',
            "perm should be a permutation of the sample's axes, found \\[1\\]",
        ),
        ("y = transpose(x)", "perm should be a permutation"),
        ("y = dense(x)", "the constant 'weight' is missing"),
        ("y = dense(x) weight=f32[2, 3](seed 1)", "weight should have shape \\[any, 4\\], found \\[2, 3\\]"),
        ("y = dense(x) weight=i32[2, 4](seed 1)", "weight should be f32, found an array of int32"),
        ("y = relu(x) weight=f32[1](1)", "relu has no constant 'weight'"),
        ("y = affine(x) scale=f32[4](seed 1) shift=f32[3](seed 1)", "shift should have shape \\[4\\]"),
        ('y = max_pool2d(x) {"kernel": [2, 2]}', "expects an input with 3 axes"),
    ],
)
def test_a_wrong_line_is_named(line: str, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        parse(f"graph g channels_first\ninput x: f32[4]\n{line}\noutput x")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'y = max_pool2d(x) {"kernel": [2, 2], "padding": [2, 0]}',
            "padding 2 should be smaller than the kernel 2",
        ),
        ('y = max_pool2d(x) {"kernel": [6, 2]}', "kernel 6 is larger than the padded input 5"),
        (
            'y = max_pool2d(x) {"ceil_mode": true, "kernel": [1, 1], "strides": [3, 3]}',
            "node 'y': its last window lies outside the image",
        ),
        ('y = max_pool2d(x) {"kernel": [2, 2.5]}', "kernel should be two integers of at least 1"),
        (
            'y = conv2d(x) {"groups": 3} weight=f32[3, 1, 1, 1](seed 1)',
            "4 input channels cannot be split into 3 groups",
        ),
        (
            'y = conv2d(x) {"groups": 2} weight=f32[3, 2, 1, 1](seed 1)',
            "3 output channels cannot be split into 2",
        ),
        ("y = conv2d(x) weight=f32[3, 4, 7, 1](seed 1)", "the kernel is larger than the padded input"),
        (
            "y = conv2d(x) weight=f32[3, 4, 1, 1](seed 1) bias=f32[4](seed 1)",
            "bias should have shape \\[3\\]",
        ),
        (
            's = sign(x)\ny = binary_conv2d(s) {"pad_value": 2} weight=bits[3, 4, 1, 1](seed 1)',
            "one of 0, 1, -1",
        ),
        (
            "s = sign(x)\ny = binary_conv2d(s) weight=bits[1, 4, 1, 1](1, 1, 0, 1)",
            "should hold \\+1 and -1 only",
        ),
        ("s = sign(x)\ny = relu(s)", "relu reads f32, found bits"),
    ],
)
def test_wrong_images_are_named(line: str, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        parse(f"graph g channels_first\ninput x: f32[4, 5, 5]\n{line}\noutput x")
