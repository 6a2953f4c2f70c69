"""`bmx info`: what a packed file holds, its memory, and drawings of its graph."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bmx import runtime
from bmx.commands.support import graph
from tests.support import bmx_files
from tests.support.command_line import assert_fails, invoke, json_of

SVG = "{http://www.w3.org/2000/svg}"


def test_info_counts_multiplications_by_kind(packed_files):
    description = json_of("info", "lenet.bmx")
    nodes = {node["name"]: node for node in description["nodes"]}
    assert nodes["conv2d1"]["bits"] == nodes["dense12"]["bits"] == "32x32"
    assert nodes["binary_conv2d5"]["bits"] == "1x1"
    assert nodes["tanh2"]["bits"] is None
    binary = 8 * 8 * 16 * 25 * 16 + 16 * 16 * 50
    assert description["totals"]["macs"] == {"binary": binary, "float": 24 * 24 * 16 * 25 + 500}
    assert description["totals"]["weight_bytes"] == sum(node["weight_bytes"] for node in nodes.values())
    assert "memory" not in description
    table = invoke("info", "lenet.bmx").stdout
    assert re.search(rf"total .* B +{binary:,} +230,900", table)
    assert re.search(r"binary_conv2d5 .*i32 \[8, 8, 16\] +1x1 ", table)


def test_info_shows_memory(packed_files):
    memory = json_of("info", "lenet.bmx", "--memory", "--batch", "8", "--isa", "scalar")["memory"]
    expected = runtime.Model("lenet.bmx", "scalar").memory(8)
    assert {key: memory[key] for key in expected._fields} == expected._asdict()
    assert memory["arena_ratio"] == expected.arena_bytes / expected.live_bytes
    assert 1 <= memory["arena_ratio"] <= 1.15
    text = invoke("info", "lenet.bmx", "--memory", "--batch", "100000", "--threads", "2").stdout
    assert re.search(r"arena  [\d,]+ B for batch 100,000 in slices of \d+\n", text)
    assert re.search(r"workspace  [\d,]+ B for 2 threads\n", text)


def test_dot_lists_boxes_and_edges(packed_files):
    builder, output = bmx_files.residual_net(2)
    builder.graph["name"] = 'a "net"'
    (packed_files / "residual.bmx").write_bytes(builder.encode(output))
    result = invoke("info", "residual.bmx", "--dot", "net.dot")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("wrote net.dot\n")
    text = (packed_files / "net.dot").read_text()
    assert text.startswith('digraph "a \\"net\\"" {\n')
    assert len(re.findall(r"^  b\d+ \[label=", text, re.MULTILINE)) == 5
    assert len(re.findall(r"^  b\d+ -> b\d+ ", text, re.MULTILINE)) == 6
    assert '  b0 -> b2 [label="f32"];' in text
    assert text.count("{") == text.count("}") == 1


def rectangles_of(svg):
    """(left, top, right, bottom) of every box."""
    boxes = []
    for group in svg.iter(f"{SVG}g"):
        if group.find(f"{SVG}title") is None:
            continue
        rect = group.find(f"{SVG}rect")
        x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        boxes.append((x, y, x + width, y + height))
    return boxes


def lines_of(svg):
    """Points of every edge; the legend's two samples come first."""
    lines = [line.get("points") for line in svg.iter(f"{SVG}polyline")][2:]
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in lines]


def crosses(start, end, box):
    """Does the horizontal or vertical line pass through the inside of the box?"""
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    return left < box[2] - 0.5 and right > box[0] + 0.5 and top < box[3] - 0.5 and bottom > box[1] + 0.5


@pytest.mark.parametrize("blocks", [1, 15])
def test_svg_draws_every_box_and_edge_apart(packed_files, blocks):
    builder, output = bmx_files.residual_net(blocks)
    builder.graph["outputs"] = []
    # Every second sum is an output, too: branches beside the chain.
    outputs = [output] + [f"add{4 * block + 3}" for block in range(0, blocks - 1, 2)]
    (packed_files / "residual.bmx").write_bytes(builder.encode(*outputs))
    result = invoke("info", "residual.bmx", "--svg", "net.svg", "--json")
    assert result.exit_code == 0, result.stderr
    json.loads(result.stdout)
    svg = ElementTree.parse(packed_files / "net.svg").getroot()
    boxes, lines = rectangles_of(svg), lines_of(svg)
    expected = graph.boxes_of(runtime.Model("residual.bmx").info())
    assert len(boxes) == len(expected)
    assert len(lines) == sum(len(box.sources) for box in expected)
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "two boxes overlap"
    for line in lines:
        assert any(box[0] <= line[0][0] <= box[2] and line[0][1] == box[3] for box in boxes)
        assert any(box[0] <= line[-1][0] <= box[2] and line[-1][1] == box[1] for box in boxes)
        for start, end in zip(line, line[1:]):
            assert start[0] == end[0] or start[1] == end[1]
            assert not any(crosses(start, end, box) for box in boxes), "a line runs through a box"
    horizontal = [
        (a[1], *sorted((a[0], b[0]))) for line in lines for a, b in zip(line, line[1:]) if a[1] == b[1]
    ]
    for i, (y, left, right) in enumerate(horizontal):
        for other_y, other_left, other_right in horizontal[:i]:
            assert y != other_y or right < other_left or other_right < left, "two lines lie on each other"
    width, height = float(svg.get("width")), float(svg.get("height"))
    assert max(box[2] for box in boxes) - min(box[0] for box in boxes) < width
    assert max(box[3] for box in boxes) < height


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["info", "lenet.bmx", "--batch", "2"], "--memory"),
        (["info", "lenet.bmx", "--memory", "--batch", "0"], "0 is not in the range"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2(packed_files, arguments, pattern):
    assert_fails(invoke(*arguments), 2, pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["info", "lenet.bmx", "--isa", "mmx"], "unknown ISA 'mmx'"),
        (["info", "lenet.bmx", "--svg", "no/net.svg"], "folder .*/no does not exist"),
        (["info", "lenet.bmx", "--dot", "no/net.dot"], "folder .*/no does not exist"),
        (
            ["info", "lenet.bmx", "--memory", "--batch", str(2**62)],
            "bmx: the outputs of 4611686018427387904 samples are too large",
        ),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_failures_exit_with_1_and_leave_no_file(packed_files, arguments, pattern):
    before = set(packed_files.iterdir())
    assert_fails(invoke(*arguments), 1, pattern)
    assert set(packed_files.iterdir()) == before


def test_info_tells_what_the_file_holds(inside: Path) -> None:
    description = json.loads(invoke("info", "net.bmx", "--json").stdout)
    assert description["file_bytes"] == (inside / "net.bmx").stat().st_size
    assert description["classes"] == ["cat", "dog", "bird"]
    assert description["inputs"][0]["preprocessing"]["scale"] == pytest.approx(0.01)
    table = invoke("info", "net.bmx").output
    for node in description["nodes"]:
        assert node["op"] in table
    assert f"{description['file_bytes']:,} bytes" in table
