"""Images that a net quantizes to 8 bits right away are read as bytes, if that is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph, Origin
from bmx.compiler.ir.text import parse, to_text
from bmx.compiler.passes.codes_to_quantize import codes_to_quantize
from bmx.compiler.passes.images_to_codes import images_to_codes
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.support.byte_inputs import code_numbers, image_quantizer
from bmx.compiler.passes.to_channels_last import to_channels_last

IMAGE = """
graph g channels_first
input x: f32[2, 3, 4]
a = affine(x) scale=f32[2](255, 255) shift=f32[2](0, 0)
q = code(a) {"bits": 8}
c = integer_conv2d(q) weight=i16[2, 2, 3, 3](seed 1)
k = cast(c)
output k
"""
UNIT = {"scale": 1 / 255, "mean": [0.0, 0.0], "std": [1.0, 1.0]}


def compiled(text: str, rule: dict[str, Any] | None) -> Graph:
    graph = parse(text)
    graph.inputs = [replace(value, preprocessing=rule) for value in graph.inputs]
    return to_channels_last(remove_dead_nodes(codes_to_quantize(graph)))


def test_an_image_becomes_bytes() -> None:
    graph = compiled(IMAGE, UNIT)
    graph.origins = {"x": Origin("x"), "x_transposed": Origin("x"), "q": Origin("mul", code=255)}
    before = to_text(graph, None)
    changed = images_to_codes(graph)
    assert to_text(graph, None) == before
    assert to_text(changed).splitlines()[1:4] == [
        "input x: bytes[2, 3, 4]",
        'x_transposed: bytes[3, 4, 2] = transpose(x) {"perm": [1, 2, 0]}',
        "q: u8[3, 4, 2] = to_planes(x_transposed)",
    ]
    assert changed.inputs[0].preprocessing is None
    assert changed.origins == {"q": Origin("mul", code=255)}
    image = np.random.RandomState(0).randint(0, 256, (5, 2, 3, 4)).astype(np.uint8)
    real = (image * UNIT["scale"]).astype(np.float32)
    np.testing.assert_array_equal(evaluate(changed, {"x": image})[0], evaluate(graph, {"x": real})[0])


def test_a_vector_becomes_bytes() -> None:
    text = """
        graph g channels_first
        input x: f32[3]
        a = affine(x) scale=f32[3](1, 1, 1) shift=f32[3](128, 128, 128)
        q = code(a) {"bits": 8}
        d = integer_dense(q) weight=i16[2, 3](seed 1)
        output d
        """
    changed = images_to_codes(compiled(text, {"scale": 2, "mean": [256.0], "std": [2.0]}))
    assert [node.op for node in changed.nodes] == ["to_planes", "integer_dense"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("", ""), None),
        (("", ""), {**UNIT, "scale": 1 / 250}),
        (("", ""), {**UNIT, "mean": [0.0, 0.1]}),
        (("", ""), {**UNIT, "std": [1.0, 2.0]}),
        (("output k", "output k\noutput x"), UNIT),
        (("output k", "t = relu(x)\noutput k\noutput t"), UNIT),
        (('"bits": 8', '"bits": 7'), UNIT),
        (("affine(x) scale=f32[2](255, 255)", "affine(x) scale=f32[2](255, -255)"), UNIT),
    ],
    ids=str,
)
def test_other_inputs_stay_numbers(change: tuple[str, str], rule: dict[str, Any] | None) -> None:
    graph = compiled(IMAGE.replace(*change), rule)
    assert images_to_codes(graph) == graph


@pytest.mark.parametrize("scale", ["255, 255", "12.75, -0.3", "1, 0"])
def test_numbers_of_all_codes(scale: str) -> None:
    graph = compiled(
        IMAGE.replace("255, 255", scale).replace("shift=f32[2](0, 0)", "shift=f32[2](3, 100)"), UNIT
    )
    quantize = image_quantizer(graph, "x")
    assert quantize is not None
    numbers = code_numbers(quantize)
    assert numbers.shape == (256, 2)
    first, shift = np.float32(scale.split(",")), np.float32([3, 100])
    codes = np.round(np.clip(numbers * first + shift, 0, 255))
    if scale == "1, 0":
        assert np.isnan(numbers[:, 1]).all(), "it is always 100"
        numbers, codes = numbers[:, :1], codes[:, :1]
    np.testing.assert_array_equal(codes, np.repeat(np.arange(256)[:, np.newaxis], codes.shape[1], axis=1))
