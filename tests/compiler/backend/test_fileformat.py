"""The .bmx file: its bytes against the specification, and one error for each way to break them."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, Callable

import numpy as np
import pytest
import safetensors.numpy

from bmx._version import __version__
from bmx.compiler.backend import container, fileformat
from bmx.compiler.backend.container import FormatError
from bmx.compiler.backend.packing import pack, unpack
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph, GraphError
from bmx.compiler.ir.text import parse, to_text
from tests.support.packed_files import header_of, node, seal

NET = """
graph net channels_last
input data: f32[3, 4, 4]
nhwc = transpose(data) {"perm": [1, 2, 0]}
t0 = threshold(nhwc) threshold=f32[3](-inf, 0.5, inf) flip=mask[3](0, 1, 0)
c0 = binary_conv2d(t0) {"padding": [1, 1], "pad_value": 1} weight=bits[10, 3, 3, 3](seed 1)
t1 = threshold(c0) threshold=i32[10](seed 2) flip=mask[10](seed 3)
f0 = flatten(t1)
d0 = binary_dense(f0) weight=bits[4, 160](seed 4)
a0 = affine(d0) scale=f32[4](seed 5) shift=f32[4](seed 6)
r0 = tanh(a0)
d1 = dense(r0) weight=f32[2, 4](seed 7) bias=f32[2](seed 8)
s0 = softmax(d1)
output s0
"""


def example() -> Graph:
    graph = parse(NET)
    graph.classes = ["cat", "žába 🐸"]
    return graph


def test_a_file_reads_back() -> None:
    graph = example()
    read = fileformat.read(fileformat.to_bytes(graph))
    assert to_text(read, None) == to_text(graph, None)
    assert read.classes == graph.classes
    x = np.random.RandomState(0).standard_normal((5, 3, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(read, {"data": x})[0], evaluate(graph, {"data": x})[0])


def test_equal_tensors_are_stored_once() -> None:
    graph = parse(
        """
        graph g channels_last
        input x: f32[4]
        a = affine(x) scale=f32[4](1, 2, 3, 4) shift=f32[4](1, 2, 3, 4)
        b = relu(a)
        c = affine(b) scale=f32[4](1, 2, 3, 4) shift=f32[4](1, 2, 3, 5)
        output c
        """
    )
    content = fileformat.to_bytes(graph)
    assert sorted(safetensors.numpy.load(content)) == ["a.scale", "c.shift"]
    assert to_text(fileformat.read(content), None) == to_text(graph, None)


def test_the_bytes_follow_the_specification() -> None:
    content = fileformat.to_bytes(example(), report={"passed": True})
    assert content == fileformat.to_bytes(example(), report={"passed": True})
    assert content[8:].startswith(b'{"__metadata__":{"bmx.checksum":"crc32:')
    blank = content[:47] + b"00000000" + content[55:]
    assert content[47:55].decode() == f"{zlib.crc32(blank):08x}"
    size = struct.unpack("<Q", content[:8])[0]
    assert (8 + size) % 8 == 0
    header = header_of(content)
    metadata = header.pop("__metadata__")
    assert metadata["bmx.format_version"] == "1"
    assert metadata["bmx.producer"] == f"bmx {__version__}"
    assert json.loads(metadata["bmx.report"]) == {"passed": True}
    entries = sorted(header.values(), key=lambda entry: entry["data_offsets"])
    assert [entry["dtype"] for entry in entries] == sorted(
        (e["dtype"] for e in entries), key=["F32", "I32", "I16", "I8", "U8"].index
    )
    ends = [0] + [entry["data_offsets"][1] for entry in entries]
    assert [entry["data_offsets"][0] for entry in entries] == ends[:-1]
    assert ends[-1] == len(content) - 8 - size


def test_the_graph_as_json() -> None:
    metadata = header_of(fileformat.to_bytes(example()))["__metadata__"]
    graph = json.loads(metadata["bmx.graph"])
    assert {key: graph[key] for key in ("name", "inputs", "outputs", "classes")} == {
        "name": "net",
        "inputs": [{"name": "data", "dtype": "f32", "shape": [3, 4, 4]}],
        "outputs": ["s0"],
        "classes": ["cat", "žába 🐸"],
    }
    assert graph["nodes"][2] == {
        "name": "c0",
        "op": "binary_conv2d",
        "inputs": ["t0"],
        "dtype": "i32",
        "shape": [4, 4, 10],
        "attrs": {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1, "pad_value": 1},
        "tensors": {"weight": "c0.weight"},
    }


def test_any_safetensors_reader_lists_the_tensors() -> None:
    tensors = safetensors.numpy.load(fileformat.to_bytes(example()))
    assert {name: (array.dtype.name, array.shape) for name, array in tensors.items()} == {
        "t0.threshold": ("float32", (3,)),
        "t0.flip": ("uint8", (1,)),
        "c0.weight": ("uint8", (10, 3, 3, 1)),
        "t1.threshold": ("int8", (10,)),
        "t1.flip": ("uint8", (2,)),
        "d0.weight": ("uint8", (4, 20)),
        "a0.scale": ("float32", (4,)),
        "a0.shift": ("float32", (4,)),
        "d1.weight": ("float32", (2, 4)),
        "d1.bias": ("float32", (2,)),
    }
    assert tensors["t0.flip"][0] == 0b010
    weight = example().producers()["d0"].constants["weight"]
    for row, packed in zip(weight, tensors["d0.weight"]):
        assert [(packed[i // 8] >> (i % 8)) & 1 for i in range(160)] == [int(value == 1) for value in row]


@pytest.mark.parametrize("length", [1, 3, 7, 8, 9, 31, 33, 64, 65, 160])
def test_packing(length: int) -> None:
    bits = np.random.RandomState(length).randint(0, 2, (3, 2, length)).astype(np.bool_)
    packed = pack(bits)
    assert packed.shape == (3, 2, (length + 7) // 8)
    np.testing.assert_array_equal(unpack(packed, length), bits)
    assert unpack(packed, length + 8) is None
    if length % 8:
        packed[1, 0, -1] |= 0x80
        assert unpack(packed, length) is None


def test_only_compiled_graphs_are_written() -> None:
    with pytest.raises(GraphError, match="not compiled: its layout should be channels_last"):
        fileformat.to_bytes(parse("graph g channels_first\ninput x: f32[2]\ny = relu(x)\noutput y"))
    with pytest.raises(GraphError, match="not compiled: node 'y' uses identity"):
        fileformat.to_bytes(parse("graph g channels_last\ninput x: f32[2]\ny = identity(x)\noutput y"))


def test_every_damaged_byte_is_noticed() -> None:
    content = fileformat.to_bytes(example())
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        with pytest.raises(FormatError):
            fileformat.read(bytes(damaged))


def test_every_truncation_is_noticed() -> None:
    content = fileformat.to_bytes(example())
    for length in [*range(0, 80), *range(80, len(content), 7), len(content) - 1]:
        with pytest.raises(FormatError):
            fileformat.read(content[:length])
    with pytest.raises(FormatError):
        fileformat.read(content + b"\0")


def edit_header(change: Callable[[dict], Any]) -> bytes:
    content = fileformat.to_bytes(example())
    header = header_of(content)
    change(header)
    return seal(header, content[8 + struct.unpack("<Q", content[:8])[0] :])


def edit_graph(change: Callable[[dict], Any]) -> bytes:
    def change_header(header: dict) -> None:
        graph = json.loads(header["__metadata__"]["bmx.graph"])
        change(graph)
        header["__metadata__"]["bmx.graph"] = json.dumps(graph)

    return edit_header(change_header)


def test_sealing_alone_breaks_nothing() -> None:
    assert to_text(fileformat.read(edit_graph(lambda graph: None)), None) == to_text(example(), None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h["__metadata__"].update({"bmx.format_version": "2"}), "has format version '2'"),
        (lambda h: h["__metadata__"].pop("bmx.graph"), "bmx.graph is missing"),
        (lambda h: h["__metadata__"].update({"bmx.graph": "[]"}), "bmx.graph should be a JSON object"),
        (lambda h: h["__metadata__"].update({"bmx.graph": "{"}), "bmx.graph is not valid JSON"),
        (lambda h: h["__metadata__"].update({"bmx.graph": '{"a":1,"a":2}'}), "has a key twice"),
        (lambda h: h["__metadata__"].update({"bmx.graph": "[" * 40 + "]" * 40}), "nested more than 32"),
        (lambda h: h["__metadata__"].update({"bmx.number": 1}), "should map strings to strings"),
        (lambda h: h["d1.bias"].update(dtype="F64"), "should be one of F32, I32, I16, I8, U8, found 'F64'"),
        (lambda h: h["d1.bias"].update(shape=[3]), "should take 12 bytes"),
        (lambda h: h["d1.bias"].update(shape=[2, 0]), "axes of 1 to"),
        (lambda h: h["d1.bias"].update(shape=[1] * 8 + [2]), "at most 8 axes"),
        (lambda h: h["d1.bias"].update(shape=[True]), "axes of 1 to"),
        (lambda h: h["d1.bias"].update(data_offsets=[0, 8]), "should start at byte"),
        (lambda h: h["d1.bias"].update(data_offsets=[-8, 0]), "should take 8 bytes"),
        (lambda h: h["d1.bias"].pop("shape"), "should have dtype, shape and data_offsets"),
        (lambda h: h.pop("d0.weight"), "80 bytes follow the last tensor"),
        (lambda h: h["t0.flip"].update(dtype="F32", shape=[]), "should take 4 bytes"),
    ],
)
def test_broken_headers(change: Callable[[dict], Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        fileformat.read(edit_header(change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("nodes"), "lacks a field"),
        (lambda g: g.update(nodes=3), "wrong type"),
        (lambda g: g.update(outputs=["nowhere"]), "'nowhere' is not a value"),
        (lambda g: g.update(classes=["one"]), "1 class labels"),
        (lambda g: g["inputs"][0].update(dtype="i32"), "found i32"),
        (lambda g: node(g, "c0").update(op="conv3d"), "no operator is named 'conv3d'"),
        (lambda g: node(g, "c0").update(op="sign"), "no operator is named 'sign'"),
        (lambda g: node(g, "c0").update(inputs=["d0"]), "should read values that stand before it"),
        (
            lambda g: node(g, "c0").update(shape=[4, 4, 11]),
            r"i32\[4, 4, 11\], but is i32\[4, 4, 10\]",
        ),
        (lambda g: node(g, "c0").update(dtype="f32"), "declared as f32"),
        (lambda g: node(g, "c0")["attrs"].update(groups=0), "groups should be an integer of at least 1"),
        (lambda g: node(g, "c0")["attrs"].update(groups=2), "1 bits in each row"),
        (lambda g: node(g, "c0")["attrs"].update(strides=[0, 1]), "strides should be two integers"),
        (lambda g: node(g, "c0")["attrs"].pop("strides"), "the attribute 'strides' is missing"),
        (
            lambda g: node(g, "c0")["tensors"].update(weight="a0.scale"),
            "should be bits, found a tensor",
        ),
        (lambda g: node(g, "c0")["tensors"].update(weight="d0.weight"), "3 bits in each row"),
        (lambda g: node(g, "c0")["tensors"].update(weight="none"), "no tensor 'none'"),
        (lambda g: node(g, "d1")["tensors"].pop("bias"), "no node uses the tensor 'd1.bias'"),
        (lambda g: node(g, "s0").update(name="r0"), "two values are named 'r0'"),
    ],
)
def test_broken_graphs(change: Callable[[dict], Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        fileformat.read(edit_graph(change))


def test_set_bits_after_a_row_are_refused() -> None:
    content = fileformat.to_bytes(example())
    header = header_of(content)
    begin = 8 + struct.unpack("<Q", content[:8])[0] + header["c0.weight"]["data_offsets"][0]
    damaged = bytearray(content)
    damaged[begin] |= 0b1000
    damaged = bytearray(seal(header, bytes(damaged[8 + struct.unpack("<Q", content[:8])[0] :])))
    with pytest.raises(FormatError, match="3 bits in each row and zeros after them"):
        fileformat.read(bytes(damaged))


def test_tensors_out_of_order_are_refused() -> None:
    metadata = {"__metadata__": {"bmx.checksum": "crc32:00000000", "bmx.format_version": "1"}}
    tensors = {
        "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
    }
    with pytest.raises(FormatError, match="in the order F32, I32, I16, I8, U8"):
        container.read(seal({**metadata, **tensors}, bytes(8)))
