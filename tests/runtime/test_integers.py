"""Graphs on bytes and integers of 1 to 8 bits, against NumPy, from Python and through bmx-run."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import bmx
from bmx import runtime


@pytest.fixture(scope="module")
def net(writer):
    return writer.integers(np.random.default_rng(21))


@pytest.fixture
def images():
    return np.random.default_rng(22).integers(0, 256, (3, 3, 9, 8)).astype("uint8")


def convolve(x, weight):
    """[N, H, W, I] * [O, 3, 3, I] -> [N, H, W, O], integers, zeros around the image."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.einsum("nhwcij,oijc->nhwo", windows.astype("int64"), weight)


def unpack(builder, node, channels):
    return np.unpackbits(builder.tensors[f"{node}.flip"], bitorder="little")[:channels] == 1


@pytest.mark.parametrize("isa", runtime.isas())
@pytest.mark.parametrize("threads", [1, 2])
def test_every_value_is_the_one_of_numpy(net, images, isa, threads):
    builder, outputs, weights = net
    values = runtime.Model(builder.encode(*outputs), isa=isa).session(threads).run_dict(images)
    sums, codes, bits, real, dots, end = (values[name] for name in outputs)
    convs = [weight for weight in weights.values() if weight.ndim == 4]

    expected = convolve(images.transpose(0, 2, 3, 1), convs[0])
    assert sums.dtype == np.int32
    np.testing.assert_array_equal(sums, expected)
    limits = builder.tensors[f"{outputs[1]}.threshold"]
    expected = (expected[..., None, :] >= limits).sum(axis=-2)
    assert codes.dtype == np.float32
    assert set(np.unique(codes)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(codes, expected)
    second = convolve(expected, convs[1])
    limits, flip = builder.tensors[f"{outputs[2]}.threshold"], unpack(builder, outputs[2], 20)
    np.testing.assert_array_equal(bits == -1, np.where(flip, second > limits, second < limits))
    weight = (
        2 * np.unpackbits(builder.tensors[f"{outputs[3]}.weight"], axis=-1, bitorder="little")[..., :20] - 1.0
    )
    np.testing.assert_array_equal(real, convolve(bits, weight.astype("int64")))
    np.testing.assert_array_equal(dots, expected.reshape(3, -1) @ weights[outputs[4]].T)
    assert end.shape == (3, 5)
    assert np.isfinite(end).all()


def test_bytes_are_an_input_of_their_own(net, images):
    builder, outputs, _ = net
    model = runtime.Model(builder.encode(*outputs))
    info = model.inputs[0]
    assert (info.dtype, info.shape, info.preprocessing) == ("uint8", (3, 9, 8), None)
    assert [value.dtype for value in model.outputs] == [
        "int32",
        "float32",
        "float32",
        "float32",
        "int32",
        "float32",
    ]
    random = model.random_inputs(2)[0]
    assert random.dtype == np.uint8
    assert random.shape == (2, 3, 9, 8)
    assert len(np.unique(random)) > 100
    assert len(model.profile(runs=2).steps) > 4
    model.session().run(images[:, :, :, ::-1])  # in any order of memory
    nodes = {node["name"]: node for node in model.info()["nodes"]}
    assert nodes[outputs[1]]["dtype"] == "u2"
    assert nodes[outputs[0]]["macs"] == 9 * 8 * 20 * 27


@pytest.mark.parametrize(
    ("dtype", "pattern"),
    [
        ("float32", "input 'data': expected uint8 values, found float32; give the bytes themselves"),
        ("float64", r"input 'data': expected uint8, found float64; use x.astype\('uint8'\)"),
        ("int8", r"input 'data': expected uint8, found int8; use x.astype\('uint8'\)"),
    ],
)
def test_bytes_must_be_bytes(net, images, dtype, pattern):
    builder, outputs, _ = net
    with pytest.raises(runtime.ModelError, match=pattern):
        runtime.Model(builder.encode(*outputs)).session().run(images.astype(dtype))
    with pytest.raises(runtime.ModelError, match=r"found list; use numpy.asarray\(x, 'uint8'\)"):
        runtime.Model(builder.encode(*outputs)).session().run([[1, 2]])


def test_bmx_run_takes_bytes(net, images, tmp_path):
    builder, outputs, _ = net
    (tmp_path / "net.bmx").write_bytes(builder.encode(outputs[-2]))
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "floats.npy", images.astype("float32"))
    program = Path(bmx.__file__).parent / "bin" / "bmx-run"
    command = [program, tmp_path / "net.bmx", "--output", tmp_path / "y.npy", "--input"]
    subprocess.run([*command, tmp_path / "x.npy"], check=True)
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_array_equal(found, runtime.Model(tmp_path / "net.bmx")(images))
    failed = subprocess.run([*command, tmp_path / "floats.npy"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert "expected uint8 values, found float32" in failed.stderr
