"""`bmx info`, `bmx bench`, `bmx run`: exit codes, one-sentence errors, JSON, and drawings of the graph."""

from __future__ import annotations

import inspect
import json
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from bmx import runtime
from bmx.cli import cli
from bmx.commands.support import drawing, graph

CONV = {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}
SVG = "{http://www.w3.org/2000/svg}"


def invoke(*arguments):
    # Before click 8.2, which Python 3.8 and 3.9 have, the runner mixes stderr into stdout unless told not to.
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(mix_stderr=False) if separate else CliRunner()
    return runner.invoke(cli, list(map(str, arguments)), prog_name="bmx")


def json_of(*arguments):
    result = invoke(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def assert_fails(result, code, pattern):
    """The exit code, and one sentence on stderr that matches."""
    assert result.exit_code == code, result.stderr
    assert re.fullmatch(r"bmx: [^\n]+\n", result.stderr), result.stderr
    assert re.search(pattern, result.stderr), result.stderr
    assert result.stdout == ""


def residual_net(writer, blocks, side=6, channels=32):
    """Binary blocks with shortcuts, each of 4 nodes; returns (builder, output)."""
    rng = np.random.default_rng(7)
    shape = (side, side, channels)
    builder = writer.GraphBuilder(*shape)
    x = "data"
    for _ in range(blocks):
        sign = builder.node(
            "threshold",
            x,
            "bits",
            shape,
            threshold=np.zeros(channels, "float32"),
            flip=writer.pack_bits(-np.ones(channels)),
        )
        y = builder.node(
            "binary_conv2d",
            sign,
            "i32",
            shape,
            {**CONV, "pad_value": 0},
            weight=writer.pack_bits(rng.standard_normal((channels, 3, 3, channels))),
        )
        y = builder.node(
            "affine",
            y,
            "f32",
            shape,
            scale=np.full(channels, 0.1, "float32"),
            shift=rng.standard_normal(channels).astype("float32"),
        )
        x = builder.node("add", [x, y], "f32", shape)
    return builder, x


@pytest.fixture
def folder(writer, tmp_path, monkeypatch):
    """The working directory: lenet.bmx, x.npy (3 samples), two.bmx (two outputs), pair.bmx (two inputs)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BMX_ISA", raising=False)
    builder, output = writer.lenet(np.random.default_rng(3), channels=16, hidden=50)
    (tmp_path / "lenet.bmx").write_bytes(builder.encode(output))
    np.save("x.npy", np.random.default_rng(5).standard_normal((3, 1, 28, 28)).astype("float32"))

    builder = writer.GraphBuilder(4)
    outputs = [builder.node("relu", "data", "f32", (4,)), builder.node("tanh", "data", "f32", (4,))]
    (tmp_path / "two.bmx").write_bytes(builder.encode(*outputs))
    np.save("four.npy", np.array([[1, -2, 3, -4]], "float32"))

    builder = writer.GraphBuilder(2)
    builder.graph["inputs"].append({"name": "other", "dtype": "f32", "shape": [2]})
    (tmp_path / "pair.bmx").write_bytes(builder.encode(builder.node("add", ["data", "other"], "f32", (2,))))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["info", "lenet.bmx", "--batch", "2"], "--memory"),
        (["info", "lenet.bmx", "--memory", "--batch", "0"], "0 is not in the range"),
        (["bench"], "Missing argument 'FILE'.*see 'bmx bench --help'"),
        (["bench", "lenet.bmx", "--threads", "0"], "0 is not in the range"),
        (["bench", "lenet.bmx", "--threads", "257"], "257 is not in the range 1<=x<=256"),
        (["bench", "lenet.bmx", "--runs", "0"], "0 is not in the range"),
        (["bench", "lenet.bmx", "--runs", "many"], "'many' is not a valid integer"),
        (["bench", "lenet.bmx", "--input", "x.npy", "--batch", "2"], "has a batch of its own"),
        (["run", "lenet.bmx", "--input", "x.npy", "--threads", "300"], "300 is not in the range"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2(folder, arguments, pattern):
    assert_fails(invoke(*arguments), 2, pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["bench", "no.bmx"], r"no\.bmx: there is no such file"),
        (["bench", "x.npy"], r"x\.npy: not a \.bmx file"),
        (["bench", "lenet.bmx", "--isa", "mmx"], "unknown ISA 'mmx'"),
        (["bench", "lenet.bmx", "--input", "four.npy"], r"expected shape \(batch, 1, 28, 28\)"),
        (["bench", "pair.bmx", "--input", "four.npy"], r"the model has 2 \(data, other\)"),
        (["info", "lenet.bmx", "--isa", "mmx"], "unknown ISA 'mmx'"),
        (["info", "lenet.bmx", "--svg", "no/net.svg"], "folder .*/no does not exist"),
        (["info", "lenet.bmx", "--dot", "no/net.dot"], "folder .*/no does not exist"),
        (
            ["info", "lenet.bmx", "--memory", "--batch", str(2**62)],
            "bmx: the outputs of 4611686018427387904 samples are too large",
        ),
        (["run", "pair.bmx", "--input", "four.npy"], r"the model has 2 \(data, other\)"),
        (["run", "two.bmx", "--input", "four.npy", "--output", "y.npy"], r"all of them go into one \.npz"),
        (["run", "lenet.bmx", "--input", "x.npy", "--output", "y.npz"], r"goes into a \.npy file"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_failures_exit_with_1_and_leave_no_file(folder, arguments, pattern):
    before = set(folder.iterdir())
    assert_fails(invoke(*arguments), 1, pattern)
    assert set(folder.iterdir()) == before


def test_bench_reports_times_and_memory(folder):
    report = json_of("bench", "lenet.bmx", "--runs", "9", "--isa", "scalar", "--batch", "2", "--threads", "2")
    assert {key: report[key] for key in ("file", "isa", "threads", "batch", "runs")} == {
        "file": "lenet.bmx",
        "isa": "scalar",
        "threads": 2,
        "batch": 2,
        "runs": 9,
    }
    assert 0 < report["min_ms"] <= report["median_ms"] <= report["p95_ms"]
    assert report["samples_per_s"] == pytest.approx(2000 / report["median_ms"])
    expected = runtime.Model("lenet.bmx", "scalar").memory(2, 2)._asdict()
    memory = report["memory"]
    assert {key: memory[key] for key in expected} == expected
    assert memory["resident_bytes"] > expected["packed_bytes"]
    assert memory["peak_resident_bytes"] >= memory["resident_bytes"]
    assert "layers" not in report


def test_bench_measures_each_layer(folder):
    layers = json_of("bench", "lenet.bmx", "--runs", "3", "--layers", "--input", "x.npy")["layers"]
    assert [layer["op"] for layer in layers][:2] == ["conv2d", "max_pool2d"]
    assert sum(layer["share"] for layer in layers) == pytest.approx(1)
    assert layers[0]["macs"] == 24 * 24 * 16 * 25
    assert layers[0]["gmacs_per_s"] == pytest.approx(1e-6 * 3 * layers[0]["macs"] / layers[0]["ms"])
    result = invoke("bench", "lenet.bmx", "--runs", "3", "--layers")
    assert result.exit_code == 0, result.stderr
    for layer in layers:
        assert re.search(rf"{layer['node']} .*{layer['op']} .* %", result.stdout)
    assert re.search(r"median [\d.]+ ms, p95 [\d.]+ ms, min [\d.]+ ms; [\d,]+ samples/s", result.stdout)
    assert re.search(r"arena [\d,]+ \+ workspace [\d,]+ \+ weights [\d,]+ = [\d,]+ kB", result.stdout)


def test_bench_needs_no_proc(folder, monkeypatch):
    def refuse(*arguments):
        raise FileNotFoundError

    module = sys.modules["bmx.commands.bench"]  # the package's attribute is the command
    monkeypatch.setattr(module, "open", refuse, raising=False)
    memory = json_of("bench", "lenet.bmx", "--runs", "2")["memory"]
    assert memory["resident_bytes"] is memory["peak_resident_bytes"] is None
    assert "this process" not in invoke("bench", "lenet.bmx", "--runs", "2").stdout


def test_bench_takes_several_inputs(folder):
    assert json_of("bench", "pair.bmx", "--runs", "2")["batch"] == 1


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


def test_info_counts_multiplications_by_kind(folder):
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


def test_info_shows_memory(folder):
    memory = json_of("info", "lenet.bmx", "--memory", "--batch", "8", "--isa", "scalar")["memory"]
    expected = runtime.Model("lenet.bmx", "scalar").memory(8)
    assert {key: memory[key] for key in expected._fields} == expected._asdict()
    assert memory["arena_ratio"] == expected.arena_bytes / expected.live_bytes
    assert 1 <= memory["arena_ratio"] <= 1.15
    text = invoke("info", "lenet.bmx", "--memory", "--batch", "100000", "--threads", "2").stdout
    assert re.search(r"arena  [\d,]+ B for batch 100,000 in slices of \d+\n", text)
    assert re.search(r"workspace  [\d,]+ B for 2 threads\n", text)


def test_run_with_threads_and_several_outputs(folder):
    expected = runtime.Model("lenet.bmx")(np.load("x.npy"))
    assert (
        invoke("run", "lenet.bmx", "--input", "x.npy", "--output", "y.npy", "--threads", "2").exit_code == 0
    )
    np.testing.assert_array_equal(np.load("y.npy"), expected)

    report = json_of("run", "two.bmx", "--input", "four.npy", "--output", "y.npz", "--top", "1")
    assert report["outputs"] == {"relu0": [1, 4], "tanh1": [1, 4]}
    assert report["top"][0][0]["class"] == 2
    with np.load("y.npz") as outputs:
        assert set(outputs) == {"relu0", "tanh1"}
        np.testing.assert_array_equal(outputs["relu0"], [[1, 0, 3, 0]])


def test_boxes_are_the_steps(writer):
    builder, output = residual_net(writer, 2)
    description = runtime.Model(builder.encode(output)).info()
    boxes = graph.boxes_of(description)
    assert [box.kind for box in boxes] == ["input", "none", "binary", "binary", "output"]
    # The first block's convolution makes the numbers and, for the next block, their signs.
    assert boxes[2].lines[0] == "binary_conv2d  binary_conv2d1"
    assert boxes[2].lines[1] == "+ affine, add, threshold"
    assert sorted(boxes[2].sources) == [(0, "f32"), (1, "bits")]
    assert sorted(boxes[3].sources) == [(2, "bits"), (2, "f32")]
    assert boxes[4].sources == [(3, "f32")]


def test_dot_lists_boxes_and_edges(folder, writer):
    builder, output = residual_net(writer, 2)
    builder.graph["name"] = 'a "net"'
    (folder / "residual.bmx").write_bytes(builder.encode(output))
    result = invoke("info", "residual.bmx", "--dot", "net.dot")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("wrote net.dot\n")
    text = (folder / "net.dot").read_text()
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
def test_svg_draws_every_box_and_edge_apart(folder, writer, blocks):
    builder, output = residual_net(writer, blocks)
    builder.graph["outputs"] = []
    # Every second sum is an output, too: branches beside the chain.
    outputs = [output] + [f"add{4 * block + 3}" for block in range(0, blocks - 1, 2)]
    (folder / "residual.bmx").write_bytes(builder.encode(*outputs))
    result = invoke("info", "residual.bmx", "--svg", "net.svg", "--json")
    assert result.exit_code == 0, result.stderr
    json.loads(result.stdout)
    svg = ElementTree.parse(folder / "net.svg").getroot()
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


def test_svg_escapes_names(writer):
    builder, output = residual_net(writer, 1)
    builder.graph["name"] = "<script>&"
    builder.graph["inputs"][0]["name"] = builder.graph["nodes"][0]["inputs"][0] = "<data> & more"
    builder.graph["nodes"][3]["inputs"][0] = "<data> & more"
    svg = ElementTree.fromstring(drawing.to_svg(runtime.Model(builder.encode(output)).info()))
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert "<data> & more" in texts
    assert texts[0].startswith("<script>&: ")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (12_345, "12.3 k"), (999_999, "1 M"), (2e9, "2 G")],
)
def test_counts_are_short(number, text):
    assert graph.count(number).strip() == text
