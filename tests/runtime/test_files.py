"""Damaged, foreign and wrong files: one clear sentence each, never a crash."""

import json
import re

import numpy as np
import pytest

from bmx import runtime


@pytest.fixture(scope="module")
def lenet_bytes(writer):
    builder, output = writer.lenet(np.random.default_rng(7), channels=8, hidden=20)
    return builder.encode(output)


@pytest.fixture(scope="module")
def integers_bytes(writer):
    builder, outputs, _ = writer.integers(np.random.default_rng(7))
    return builder.encode(*outputs)


@pytest.fixture
def tiny(writer):
    builder = writer.GraphBuilder(3)
    builder.node("affine", "data", "f32", (3,), scale=np.ones(3, "float32"), shift=np.zeros(3, "float32"))
    return builder


def refused(data, pattern):
    with pytest.raises(runtime.ModelError, match=pattern) as caught:
        runtime.Model(data)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_truncation_is_refused(lenet_bytes):
    lengths = [*range(0, 120), *range(120, len(lenet_bytes), 37), len(lenet_bytes) - 1]
    for length in lengths:
        refused(lenet_bytes[:length], "truncated|not a .bmx file|damaged")


def test_truncation_is_called_so(lenet_bytes):
    refused(lenet_bytes[:-100], r"truncated: its header promises \d+ bytes of tensors, \d+ are there")
    refused(lenet_bytes[:200], r"truncated: its header should have \d+ bytes, 192 are there")


def test_every_bit_flip_is_refused(lenet_bytes):
    rng = np.random.default_rng(11)
    positions = [*range(8 * 64), *rng.integers(0, 8 * len(lenet_bytes), 1500)]
    for position in positions:
        damaged = bytearray(lenet_bytes)
        damaged[position // 8] ^= 1 << (position % 8)
        with pytest.raises(runtime.ModelError):
            runtime.Model(bytes(damaged))


def test_damage_in_weights_is_called_so(lenet_bytes):
    refused(lenet_bytes[:-1] + bytes([lenet_bytes[-1] ^ 1]), "checksum mismatch: .*damaged")


@pytest.mark.parametrize("net", ["lenet_bytes", "integers_bytes"])
def test_mutations_under_a_valid_checksum_never_crash(writer, request, net):
    """Whoever forges a file forges its checksum too: accepted or refused, the process must live."""
    rng = np.random.default_rng(13)
    seed = request.getfixturevalue(net)
    header_bytes = int.from_bytes(seed[:8], "little")
    accepted = 0
    for _ in range(1500):
        forged = bytearray(seed)
        for position in rng.integers(56, 8 + header_bytes, rng.integers(1, 4)):
            forged[position] = rng.choice(list(b'0123456789"{}[],:-aeflnrstu '))
        try:
            model = runtime.Model(writer.seal(bytes(forged)))
            accepted += 1
            shape = model.inputs[0].shape
            if np.prod(shape) < 10000:
                model.session().run(np.zeros((2, *shape), model.inputs[0].dtype))
        except runtime.ModelError:
            pass
    assert accepted < 1500


@pytest.mark.parametrize(
    ("key", "value", "pattern"),
    [
        ("weight", np.zeros((2, 3), "uint8"), r"'scale' must be F32 \[3\] or \[1\], found U8 \[2, 3\]"),
        ("missing", None, "lacks the tensor 'scale'"),
        ("op", "resize", "'resize', which this runtime does not have; it has add, affine, "),
        ("shape", [4], r"declares f32 \[4\], but its input and attributes make f32 \[3\]"),
        ("dtype", "i32", r"declares i32 \[3\]"),
        ("inputs", ["nothing"], "'nothing' is neither an input of the graph nor a node before this place"),
        ("inputs", ["data", "data"], "has 2 inputs, 1 is expected"),
        ("inputs", [], "expected 1 to 64 inputs, found 0"),
        ("name", "data", "the name 'data' is used twice"),
        ("name", "", "must not be empty"),
        ("attrs", {"alpha": 1}, "attribute 'alpha' is not known"),
        ("attrs", {"alpha": "x"}, "neither a boolean, an integer nor a list of integers"),
        ("color", "red", "'color' is not a key of format version 1"),
    ],
)
def test_wrong_nodes(tiny, key, value, pattern):
    node = tiny.graph["nodes"][0]
    if key == "weight":
        tiny.tensors["affine0.scale"] = value
    elif key == "missing":
        del node["tensors"]["scale"], tiny.tensors["affine0.scale"]
    else:
        node[key] = value
    refused(tiny.encode(node["name"] or "x"), pattern)


@pytest.mark.parametrize(
    ("attrs", "pattern"),
    [
        ({"strides": [0, 1]}, r"'strides' must be \[height, width\], both at least 1; found \[0, 1\]"),
        ({"padding": [1 << 40, 0]}, "'padding' must be"),
        ({"padding": [0]}, "'padding' must be"),
        # Huge padding would make huge tables before anything else is wrong.
        ({"padding": [65536, 0]}, "padding height must be between 0 and 65535, found 65536"),
        (
            {"padding": [9, 9]},
            r"declares i32 \[3, 3, 4\], but its input and attributes make i32 \[21, 21, 4\]",
        ),
        ({"dilation": None}, "lacks the attribute 'dilation'"),
        ({"groups": 3}, "groups"),
        ({"groups": 0}, "groups"),
        ({"groups": True}, "'groups' must be an integer"),
        ({"pad_value": 2}, "pad_value must be 0, 1 or -1, found 2"),
    ],
)
def test_wrong_convolution_attributes(writer, attrs, pattern):
    builder = writer.GraphBuilder(5, 5, 8)
    flip = writer.pack_bits(-np.ones(8))
    bits = builder.node("threshold", "data", "bits", (5, 5, 8), threshold=np.zeros(8, "float32"), flip=flip)
    good = {"strides": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1, "pad_value": 0}
    merged = {key: value for key, value in {**good, **attrs}.items() if value is not None}
    weight = np.zeros((4, 3, 3, 1), "uint8")
    refused(
        builder.encode(builder.node("binary_conv2d", bits, "i32", (3, 3, 4), merged, weight=weight)), pattern
    )


def test_unused_bits_of_packed_weights_must_be_zero(writer):
    builder = writer.GraphBuilder(3)
    flip = np.array([0b1000], "uint8")
    value = builder.node("threshold", "data", "bits", (3,), threshold=np.zeros(3, "float32"), flip=flip)
    refused(builder.encode(value), "tensor 'flip' has bits set past its 3 channels")


def test_names_cannot_write_to_the_terminal(tiny):
    tiny.graph["nodes"][0]["op"] = "\x1b[2J"
    message = refused(tiny.encode("affine0"), "operator")
    assert "\x1b" not in message


def test_classes_must_fit_the_output(tiny):
    tiny.graph["classes"] = ["a", "b"]
    refused(tiny.encode("affine0"), "'classes' has 2 labels, the first output has 3")


def test_unused_tensors_are_refused(tiny):
    tiny.tensors["extra"] = np.zeros(2, "float32")
    refused(tiny.encode("affine0"), "tensor 'extra' is used by no node")


def test_other_versions_are_refused(tiny):
    refused(
        tiny.encode("affine0", **{"bmx.format_version": "2"}), "format version '2' is not known.*update bmx"
    )


def test_report_is_checked_and_kept(tiny):
    refused(tiny.encode("affine0", **{"bmx.report": "[1"}), "the report is not valid JSON")
    data = tiny.encode("affine0", **{"bmx.report": json.dumps({"samples": 3})})
    assert runtime.Model(data).info()["report"] == {"samples": 3}


def test_foreign_files_are_named(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(runtime.ModelError, match=f"^{re.escape(str(path))}: not a .bmx file"):
        runtime.Model(path)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.bmx: there is no such file"):
        runtime.Model(tmp_path / "nowhere.bmx")
    with pytest.raises(OSError, match="not a regular file"):
        runtime.Model(tmp_path)


def test_any_safetensors_reader_lists_the_tensors(lenet_bytes):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load(lenet_bytes)
    assert tensors["dense12.weight"].shape == (10, 20)
