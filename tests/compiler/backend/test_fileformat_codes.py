"""Integers of a few bits in a .bmx file: bit planes, small thresholds, bytes; and what a reader refuses."""

from __future__ import annotations

import json
import struct
from typing import Any, Callable

import numpy as np
import pytest
import safetensors.numpy

import bmx
from bmx.compiler.backend import fileformat
from bmx.compiler.backend.container import FormatError
from bmx.compiler.backend.packing import from_planes, pack, to_planes
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.planes import Planes, planes_of
from bmx.compiler.ir.text import parse, to_text
from tests.support.packed_files import header_of, node, seal

NET = """
graph codes channels_last
input image: bytes[3, 5, 4]
input data: f32[6]
nhwc = transpose(image) {"perm": [1, 2, 0]}
p0 = to_planes(nhwc)
c0 = integer_conv2d(p0) {"padding": [1, 1]} weight=i16[4, 3, 3, 3](seed 1)
q0 = quantize(c0) {"bits": 2} flip=mask[4](0, 1, 0, 1) \
    threshold=i32[3, 4](-9, 0, 1, -200, 0, 0, 2, 5, 0, 9, 300, 40000)
c1 = integer_conv2d(q0) {"groups": 2} \
    weight=i16[2, 2, 2, 2](1, -3, 5, 7, -7, 1, 1, 1, 3, 3, 3, -5, 1, 1, -1, 1)
t1 = threshold(c1) threshold=i32[2](-300, 5) flip=mask[2](0, 1)
f1 = flatten(t1)
d1 = integer_dense(f1) weight=i16[3, 24](integers 2)
q2 = quantize(data) {"bits": 1} threshold=f32[1, 6](seed 3) flip=mask[6](seed 4)
d2 = integer_dense(q2) weight=i16[3, 6](seed 5)
k2 = cast(q2)
w2 = binary_weight_dense(k2) weight=bits[2, 6](seed 6)
output d1
output d2
output w2
"""


def example() -> Graph:
    return parse(NET)


def inputs(batch: int = 3) -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    image = random.randint(0, 256, (batch, 3, 5, 4)).astype(np.uint8)
    return {"image": image, "data": random.standard_normal((batch, 6)).astype(np.float32)}


def test_a_file_reads_back() -> None:
    graph, x = example(), inputs()
    content = fileformat.to_bytes(graph)
    read = fileformat.read(content)
    assert to_text(read, None) == to_text(graph, None)
    assert fileformat.to_bytes(read) == content
    for actual, expected in zip(evaluate(read, x), evaluate(graph, x)):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("isa", bmx.runtime.isas())
def test_the_runtime_reads_it(isa: str) -> None:
    graph, x = example(), inputs()
    model = bmx.runtime.Model(fileformat.to_bytes(graph), isa=isa)
    assert [value.dtype for value in model.inputs] == ["uint8", "float32"]
    for actual, expected in zip(model.session().run(x), evaluate(graph, x)):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


def test_tensors_and_attributes() -> None:
    content = fileformat.to_bytes(example())
    tensors = safetensors.numpy.load(content)
    assert {name: (array.dtype.name, array.shape) for name, array in tensors.items()} == {
        "c0.weight": ("uint8", (4, 4, 3, 3, 1)),
        "q0.threshold": ("int32", (3, 4)),
        "q0.flip": ("uint8", (1,)),
        "c1.weight": ("uint8", (3, 2, 2, 2, 1)),
        "t1.threshold": ("int16", (2,)),
        "t1.flip": ("uint8", (1,)),
        "d1.weight": ("uint8", (3, 3, 3)),
        "q2.threshold": ("float32", (1, 6)),
        "q2.flip": ("uint8", (1,)),
        "d2.weight": ("uint8", (4, 3, 1)),
        "w2.weight": ("uint8", (2, 1)),
    }
    graph = json.loads(header_of(content)["__metadata__"]["bmx.graph"])
    assert [value["dtype"] for value in graph["inputs"]] == ["bytes", "f32"]
    assert node(graph, "q0")["dtype"] == "u2"
    attributes = {name: node(graph, name).get("attrs", {}) for name in ("c0", "c1", "d1", "d2", "w2")}
    assert attributes["c0"] == {
        "strides": [1, 1],
        "padding": [1, 1],
        "dilation": [1, 1],
        "groups": 1,
        "weight_bits": 4,
        "signs": False,
    }
    assert (attributes["c1"]["weight_bits"], attributes["c1"]["signs"]) == (3, True)
    assert attributes["d1"] == {"weight_bits": 3, "signs": False}
    assert attributes["w2"] == {}


def test_planes_are_what_the_specification_says() -> None:
    """Each weight from the bits of the file, by hand."""
    content = fileformat.to_bytes(example())
    tensors = safetensors.numpy.load(content)
    for name, signs in (("c1", True), ("d1", False)):
        planes, weight = tensors[f"{name}.weight"], example().producers()[name].constants["weight"]
        count = len(planes)
        for index in np.ndindex(*weight.shape):
            bits = [(plane[index[:-1]][index[-1] // 8] >> (index[-1] % 8)) & 1 for plane in planes]
            if signs:
                value = sum(2**i * (1 if bit else -1) for i, bit in enumerate(bits))
            else:
                value = sum(2**i * int(bit) for i, bit in enumerate(bits[:-1])) - 2 ** (count - 1) * int(
                    bits[-1]
                )
            assert value == weight[index]


@pytest.mark.parametrize(
    ("integers", "planes"),
    [
        ([1, -1], (1, True)),
        ([1, 1], (1, True)),
        ([3, -1], (2, True)),
        ([255, -255], (8, True)),
        ([257, 1], None),
        ([0, 1], (2, False)),
        ([0, 0], (2, False)),
        ([-2, 1], (2, False)),
        ([2, -1], (3, False)),
        ([-4, 3], (3, False)),
        ([127, -128], (8, False)),
        ([128, 0], None),
        ([-129, 0], None),
    ],
)
def test_the_fewest_planes(integers: list, planes: tuple | None) -> None:
    array = np.array(integers, dtype=np.int16)
    found = planes_of(array)
    assert found == planes
    if found:
        assert np.abs(array).max() <= found.largest
        np.testing.assert_array_equal(from_planes(to_planes(array, found), found.signs), array)


@pytest.mark.parametrize("planes", [Planes(8, True), Planes(8, False), Planes(1, True), Planes(2, False)])
def test_planes_hold_every_number(planes: Planes) -> None:
    low = -planes.largest
    numbers = range(low, planes.largest + 1, 2) if planes.signs else range(low, planes.largest)
    array = np.array(numbers, dtype=np.int16)
    assert len(array) == 2**planes.bits
    np.testing.assert_array_equal(from_planes(to_planes(array, planes), planes.signs), array)


def edit(change: Callable[[dict], Any]) -> bytes:
    content = fileformat.to_bytes(example())
    header = header_of(content)
    graph = json.loads(header["__metadata__"]["bmx.graph"])
    change(graph)
    header["__metadata__"]["bmx.graph"] = json.dumps(graph)
    return seal(header, content[8 + struct.unpack("<Q", content[:8])[0] :])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g["inputs"][0].update(dtype="u8"), "transpose reads f32 or bytes, found u8"),
        (
            lambda g: g["inputs"][0].update(preprocessing={"scale": 1, "mean": [0] * 3, "std": [1] * 3}),
            "is bytes, which have no preprocessing",
        ),
        (lambda g: node(g, "c0")["attrs"].pop("signs"), "signs should be true or false, found None"),
        (lambda g: node(g, "c0")["attrs"].update(signs=0), "signs should be true or false, found 0"),
        (lambda g: node(g, "c0")["attrs"].update(weight_bits=9), "an integer from 1 to 8, found 9"),
        (lambda g: node(g, "c0")["attrs"].update(weight_bits=True), "an integer from 1 to 8, found True"),
        (lambda g: node(g, "c0")["attrs"].update(weight_bits=1), "at least 2 where signs is false"),
        (lambda g: node(g, "c0")["attrs"].update(weight_bits=3), "should have 3 planes, found shape"),
        (lambda g: node(g, "c1")["attrs"].update(groups=4), "1 bits in each row and zeros after"),
        (lambda g: node(g, "q0")["attrs"].update(bits=3), r"threshold should have shape \[7, 4\]"),
        (lambda g: node(g, "q0").update(dtype="u3"), "declared as u3.*but is u2"),
        (
            lambda g: node(g, "q0")["tensors"].update(threshold="q2.threshold"),
            "should be i32, found a tensor",
        ),
        (lambda g: node(g, "w2").update(attrs={"weight_bits": 1}), "has no attribute 'weight_bits'"),
    ],
)
def test_broken_graphs(change: Callable[[dict], Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        fileformat.read(edit(change))
    with pytest.raises(bmx.runtime.ModelError):
        bmx.runtime.Model(edit(change))


def test_set_bits_after_a_row_of_a_plane_are_refused() -> None:
    content = fileformat.to_bytes(example())
    header = header_of(content)
    start = 8 + struct.unpack("<Q", content[:8])[0]
    damaged = bytearray(content[start:])
    damaged[header["c1.weight"]["data_offsets"][0]] |= 0b100
    with pytest.raises(FormatError, match="2 bits in each row and zeros after them"):
        fileformat.read(seal(header, bytes(damaged)))


def test_packing_of_planes_is_that_of_bits() -> None:
    weight = example().producers()["c1"].constants["weight"]
    packed = pack(to_planes(weight, Planes(3, True)))
    assert packed.shape == (3, 2, 2, 2, 1)
