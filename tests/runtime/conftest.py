"""A .bmx writer of its own, from docs/format.md and nothing else, and graphs built with it."""

import json
import struct
import zlib

import numpy as np
import pytest

ZEROS = b"00000000"
DIGITS = slice(47, 55)
DTYPES = {np.dtype("float32"): "F32", np.dtype("int32"): "I32", np.dtype("uint8"): "U8"}


def pack_bits(values):
    """+-1 values [.., n] -> bytes [.., ceil(n / 8)], bit 1 for +1, least significant first."""
    return np.packbits(np.asarray(values) > 0, axis=-1, bitorder="little")


def seal(blob):
    """Puts the checksum of the file into its eight digits."""
    blob = blob[: DIGITS.start] + ZEROS + blob[DIGITS.stop :]
    return blob[: DIGITS.start] + b"%08x" % zlib.crc32(blob) + blob[DIGITS.stop :]


def encode(graph, tensors, metadata=None):
    """The bytes of a file; graph is a dictionary, or a string that is written as it is."""
    texts = {
        "bmx.checksum": "crc32:00000000",
        "bmx.format_version": "1",
        "bmx.producer": "tests 0",
        "bmx.graph": graph if isinstance(graph, str) else json.dumps(graph),
    }
    texts.update(metadata or {})
    header = {"__metadata__": texts}
    order = sorted(tensors, key=lambda name: list(DTYPES).index(tensors[name].dtype))
    data = b""
    for name in order:
        array = np.ascontiguousarray(tensors[name])
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": DTYPES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return seal(struct.pack("<Q", len(text)) + text + data)


class GraphBuilder:
    """Collects nodes in order; each `node` call returns the value's name."""

    def __init__(self, *input_shape, preprocessing=None):
        entry = {"name": "data", "dtype": "f32", "shape": list(input_shape)}
        if preprocessing:
            entry["preprocessing"] = preprocessing
        self.graph = {"name": "net", "inputs": [entry], "outputs": [], "nodes": []}
        self.tensors = {}

    def node(self, op, source, dtype, shape, attrs=None, **tensors):
        """Appends a node that reads the value `source`, or a list of them; tensors are given by role."""
        name = f"{op}{len(self.graph['nodes'])}"
        node = {
            "name": name,
            "op": op,
            "inputs": source if isinstance(source, list) else [source],
            "dtype": dtype,
            "shape": list(shape),
            "attrs": attrs or {},
        }
        node["tensors"] = {role: f"{name}.{role}" for role in tensors}
        self.graph["nodes"].append(node)
        self.tensors.update({f"{name}.{role}": array for role, array in tensors.items()})
        return name

    def encode(self, *outputs, **metadata):
        """The file whose outputs are these values."""
        self.graph["outputs"] = list(outputs)
        return encode(self.graph, self.tensors, metadata)


def lenet(rng, channels=64, hidden=1000):
    """The graph that the exporter makes of BMXNet's LeNet, with random weights; returns (builder, output)."""

    def weights(*shape):
        return rng.standard_normal(shape).astype("float32")

    def signs(*shape):
        return pack_bits(rng.standard_normal(shape))

    builder = GraphBuilder(1, 28, 28, preprocessing={"scale": 1 / 255, "mean": [0.13], "std": [0.31]})
    conv = {"strides": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
    pool = {"kernel": [2, 2], "strides": [2, 2], "padding": [0, 0], "ceil_mode": False}
    x = builder.node("transpose", "data", "f32", (28, 28, 1), {"perm": [1, 2, 0]})
    x = builder.node(
        "conv2d",
        x,
        "f32",
        (24, 24, channels),
        conv,
        weight=weights(channels, 5, 5, 1),
        bias=weights(channels),
    )
    x = builder.node("tanh", x, "f32", (24, 24, channels))
    x = builder.node("max_pool2d", x, "f32", (12, 12, channels), pool)
    x = builder.node(
        "threshold", x, "bits", (12, 12, channels), threshold=weights(channels), flip=signs(channels)
    )
    x = builder.node(
        "binary_conv2d",
        x,
        "i32",
        (8, 8, channels),
        {**conv, "pad_value": 0},
        weight=signs(channels, 5, 5, channels),
    )
    integers = rng.integers(-40, 40, channels).astype("int32")
    x = builder.node("threshold", x, "bits", (8, 8, channels), threshold=integers, flip=signs(channels))
    x = builder.node("max_pool2d", x, "bits", (4, 4, channels), pool)
    x = builder.node("flatten", x, "bits", (16 * channels,))
    x = builder.node("binary_dense", x, "i32", (hidden,), weight=signs(hidden, 16 * channels))
    x = builder.node("affine", x, "f32", (hidden,), scale=weights(hidden) / 32, shift=weights(hidden))
    x = builder.node("tanh", x, "f32", (hidden,))
    x = builder.node("dense", x, "f32", (10,), weight=weights(10, hidden), bias=weights(10))
    return builder, x


class Writer:
    """What tests use of this file; pytest's importlib mode has no other way to share it."""

    GraphBuilder = GraphBuilder
    encode = staticmethod(encode)
    lenet = staticmethod(lenet)
    pack_bits = staticmethod(pack_bits)
    seal = staticmethod(seal)


@pytest.fixture(scope="session")
def writer():
    """The independent writer."""
    return Writer
