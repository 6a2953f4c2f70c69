"""Steps as boxes, and products counted bit by bit."""

from __future__ import annotations

import pytest

from bmx import runtime
from bmx.commands.support import graph
from tests.support import bmx_files


def entry(name, op, dtype="i32", inputs=("data",), macs=0, **attrs):
    return {
        "name": name,
        "op": op,
        "dtype": dtype,
        "inputs": list(inputs),
        "macs": macs,
        "attrs": attrs,
        "weight_bytes": 1,
    }


def test_products_of_bits_are_counted_bit_by_bit():
    nodes = [
        entry("q", "quantize", "u4"),
        entry("f", "flatten", "u4", ["q"]),
        entry("d", "integer_dense", inputs=["f"], macs=10, weight_bits=3, signs=True),
        entry("t", "threshold", "bits", ["d"]),
        entry("e", "integer_dense", inputs=["t"], macs=100, weight_bits=2, signs=False),
        entry("b", "binary_conv2d", inputs=["t"], macs=1000),
        entry("w", "binary_weight_conv2d", "f32", macs=7),
        entry("r", "conv2d", "f32", macs=5),
    ]
    texts = [graph.bits_text(node, nodes) for node in nodes]
    assert texts == ["", "", "3x4", "", "2x1", "1x1", "1x32", "32x32"]
    assert [graph.macs_of(node, nodes) for node in nodes] == [0, 0, 120, 0, 200, 1000, 7, 5]
    assert graph.totals_of(nodes) == {"weight_bytes": 8, "macs": {"binary": 1320, "float": 12}}


def test_boxes_are_the_steps():
    builder, output = bmx_files.residual_net(2)
    description = runtime.Model(builder.encode(output)).info()
    boxes = graph.boxes_of(description)
    assert [box.kind for box in boxes] == ["input", "none", "binary", "binary", "output"]
    # The first block's convolution makes the numbers and, for the next block, their signs.
    assert boxes[2].lines[0] == "binary_conv2d  binary_conv2d1"
    assert boxes[2].lines[1] == "+ affine, add, threshold"
    assert sorted(boxes[2].sources) == [(0, "f32"), (1, "bits")]
    assert sorted(boxes[3].sources) == [(2, "bits"), (2, "f32")]
    assert boxes[4].sources == [(3, "f32")]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (12_345, "12.3 k"), (999_999, "1 M"), (2e9, "2 G")],
)
def test_counts_are_short(number, text):
    assert graph.count(number).strip() == text
