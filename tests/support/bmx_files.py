"""A .bmx writer of its own, from docs/format.md and nothing else, and graphs built with it."""

import json
import struct
import zlib

import numpy as np

ZEROS = b"00000000"
DIGITS = slice(47, 55)
DTYPES = {
    np.dtype("float32"): "F32",
    np.dtype("int32"): "I32",
    np.dtype("int16"): "I16",
    np.dtype("int8"): "I8",
    np.dtype("uint8"): "U8",
}


def pack_bits(values):
    """+-1 values [.., n] -> bytes [.., ceil(n / 8)], bit 1 for +1, least significant first."""
    return np.packbits(np.asarray(values) > 0, axis=-1, bitorder="little")


def pack_integers(values, bits, signs):
    """Weights [.., n] -> planes [bits, .., ceil(n / 8)]; odd numbers with signs, else two's complement."""
    codes = (values + 2**bits - 1) // 2 if signs else values
    return np.stack([pack_bits(2 * (codes >> plane & 1) - 1) for plane in range(bits)])


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

    def __init__(self, *input_shape, dtype="f32", preprocessing=None):
        entry = {"name": "data", "dtype": dtype, "shape": list(input_shape)}
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


def integers(rng, channels=20):
    """Bytes [3, 9, 8] through every operator on integers; returns (builder, outputs, weights by node)."""
    builder, weights = GraphBuilder(3, 9, 8, dtype="bytes"), {}
    conv = {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}

    def layer(op, source, shape, weight_shape, bits, signs, attrs):
        codes = rng.integers(0, 2**bits, weight_shape)
        values = 2 * codes - 2**bits + 1 if signs else codes - 2 ** (bits - 1)
        attrs = {**attrs, "weight_bits": bits, "signs": signs}
        value = builder.node(op, source, "i32", shape, attrs, weight=pack_integers(values, bits, signs))
        weights[value] = values
        return value

    def floats(*shape):
        return rng.standard_normal(shape).astype("float32")

    x = builder.node("transpose", "data", "bytes", (9, 8, 3), {"perm": [1, 2, 0]})
    x = builder.node("to_planes", x, "u8", (9, 8, 3))
    sums = layer("integer_conv2d", x, (9, 8, channels), (channels, 3, 3, 3), 8, False, conv)
    keep = np.zeros(-(-channels // 8), "uint8")
    limits = np.sort(rng.integers(-60000, 60000, (3, channels)).astype("int32"), axis=0)
    codes = builder.node("quantize", sums, "u2", (9, 8, channels), {"bits": 2}, threshold=limits, flip=keep)
    x = layer("integer_conv2d", codes, (9, 8, channels), (channels, 3, 3, channels), 3, True, conv)
    limits = rng.integers(-90, 90, channels).astype("int8")
    flip = pack_bits(floats(channels))
    bits = builder.node("threshold", x, "bits", (9, 8, channels), threshold=limits, flip=flip)
    x = builder.node("cast", bits, "f32", (9, 8, channels))
    weight = pack_bits(floats(channels, 3, 3, channels))
    real = builder.node("binary_weight_conv2d", x, "f32", (9, 8, channels), conv, weight=weight)
    x = builder.node("flatten", codes, "u2", (72 * channels,))
    dots = layer("integer_dense", x, (4,), (4, 72 * channels), 2, False, {})
    scaled = builder.node("affine", dots, "f32", (4,), scale=floats(4), shift=floats(4))
    x = builder.node("binary_weight_dense", scaled, "f32", (5,), weight=pack_bits(floats(5, 4)))
    return builder, [sums, codes, bits, real, dots, x], weights


def residual_net(blocks, side=6, channels=32):
    """Binary blocks with shortcuts, each of 4 nodes; returns (builder, output)."""
    conv = {"strides": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}
    rng = np.random.default_rng(7)
    shape = (side, side, channels)
    builder = GraphBuilder(*shape)
    x = "data"
    for _ in range(blocks):
        sign = builder.node(
            "threshold",
            x,
            "bits",
            shape,
            threshold=np.zeros(channels, "float32"),
            flip=pack_bits(-np.ones(channels)),
        )
        y = builder.node(
            "binary_conv2d",
            sign,
            "i32",
            shape,
            {**conv, "pad_value": 0},
            weight=pack_bits(rng.standard_normal((channels, 3, 3, channels))),
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
