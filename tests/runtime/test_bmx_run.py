"""bmx-run, native and, where it has been built for it, aarch64 under qemu: the same file, the same bits."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import bmx
from bmx import runtime

NATIVE = Path(bmx.__file__).parent / "bin" / "bmx-run"
AARCH64 = Path(__file__).parents[2] / "build" / "aarch64" / "bmx-run"

qemu = pytest.mark.skipif(
    not (AARCH64.exists() and shutil.which("qemu-aarch64")),
    reason="needs qemu-aarch64 and build/aarch64 (cmake --preset aarch64; cmake --build --preset aarch64)",
)


@pytest.fixture(params=["native", pytest.param("aarch64", marks=qemu)])
def bmx_run(request):
    command = [str(NATIVE)] if request.param == "native" else ["qemu-aarch64", str(AARCH64)]

    def run(*arguments, **environment):
        return subprocess.run(
            [*command, *map(str, arguments)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def files(writer, tmp_path):
    builder, output = writer.lenet(np.random.default_rng(3), channels=16, hidden=50)
    builder.graph["classes"] = [f'digit "{i}"' for i in range(10)]
    (tmp_path / "lenet.bmx").write_bytes(builder.encode(output))
    x = np.random.default_rng(5).standard_normal((3, 1, 28, 28)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    return tmp_path, runtime.Model(tmp_path / "lenet.bmx")(x)


def failure(result, code, text):
    assert result.returncode == code
    assert result.stderr.startswith("bmx-run: ")
    assert result.stderr.count("\n") == 1
    assert text in result.stderr
    assert result.stdout == ""


def test_output_has_the_bits_of_the_python_runtime(bmx_run, files):
    folder, expected = files
    result = bmx_run(folder / "lenet.bmx", "--input", folder / "x.npy", "--output", folder / "y.npy")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    np.testing.assert_array_equal(np.load(folder / "y.npy"), expected)
    assert sorted(path.name for path in folder.iterdir()) == ["lenet.bmx", "x.npy", "y.npy"]


def test_top(bmx_run, files):
    folder, expected = files
    result = bmx_run(folder / "lenet.bmx", "--input", folder / "x.npy", "--top=2")
    assert result.returncode == 0
    best = np.argsort(-expected, axis=1)[:, :2]
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(int(n), label) for n, label, _ in lines] == [
        (n, f'digit "{c}"') for n in range(3) for c in best[n]
    ]


def test_json_and_timing(bmx_run, files):
    folder, expected = files
    result = bmx_run(
        folder / "lenet.bmx", "--input", folder / "x.npy", "--json", "--repeat", 3, "--isa", "scalar"
    )
    report = json.loads(result.stdout)
    assert (report["isa"], report["batch"], report["repeat"]) == ("scalar", 3, 3)
    assert 0 < report["min_ms"] <= report["median_ms"]
    first = report["top"][0]
    assert [entry["index"] for entry in first] == list(np.argsort(-expected[0])[:5])
    assert first[0]["label"] == f'digit "{first[0]["index"]}"'
    assert first[0]["value"] == pytest.approx(expected[0].max(), rel=1e-7)


def test_threads_change_nothing(bmx_run, files):
    folder, expected = files
    arguments = (folder / "lenet.bmx", "--input", folder / "x.npy", "--output", folder / "y.npy")
    result = bmx_run(*arguments, "--threads", 3, "--json")
    assert json.loads(result.stdout)["threads"] == 3
    np.testing.assert_array_equal(np.load(folder / "y.npy"), expected)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_images_without_a_batch_axis(bmx_run, files, version):
    folder, _ = files
    image = np.random.default_rng(8).integers(0, 256, (1, 28, 28)).astype("uint8")
    with open(folder / "image.npy", "wb") as stream:
        np.lib.format.write_array(stream, image, version)
    result = bmx_run(folder / "lenet.bmx", "--input", folder / "image.npy", "--output", folder / "y.npy")
    assert result.returncode == 0
    np.testing.assert_array_equal(np.load(folder / "y.npy"), runtime.Model(folder / "lenet.bmx")(image[None]))


def test_isa_of_the_environment(bmx_run, files):
    folder, _ = files
    arguments = (folder / "lenet.bmx", "--input", folder / "x.npy", "--json")
    assert json.loads(bmx_run(*arguments, BMX_ISA="scalar").stdout)["isa"] == "scalar"
    failure(bmx_run(*arguments, BMX_ISA="mmx"), 1, "unknown ISA 'mmx'")
    assert json.loads(bmx_run(*arguments, "--isa", "scalar", BMX_ISA="mmx").stdout)["isa"] == "scalar"


def test_bad_files(bmx_run, files):
    folder, _ = files
    model, x = folder / "lenet.bmx", folder / "x.npy"
    failure(bmx_run(folder / "none.bmx", "--input", x), 1, "none.bmx: cannot open the file: No such file")
    failure(bmx_run(model, "--input", folder / "none.npy"), 1, "none.npy: cannot open the file")
    failure(bmx_run(x, "--input", x), 1, "x.npy: not a .bmx file")
    failure(bmx_run(model, "--input", model), 1, "lenet.bmx: not a .npy file")
    damaged = folder / "damaged.bmx"
    damaged.write_bytes(model.read_bytes()[:-1])
    failure(bmx_run(damaged, "--input", x), 1, "damaged.bmx: the file is truncated")
    failure(
        bmx_run(model, "--input", x, "--output", folder / "no" / "y.npy"), 1, "y.npy: cannot write the file"
    )


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((3, 28, 28), "float32"), "expected shape (batch, 1, 28, 28), found (1, 3, 28, 28)"),
        (np.zeros((1, 28), "float32"), "expected shape (batch, 1, 28, 28), found (1, 28)"),
        (np.zeros((1, 1, 28, 28)), "dtype is '<f8', float32 ('<f4') or uint8 ('|u1') is expected"),
        (np.zeros((2, 1, 28, 28), "float32", order="F"), "Fortran order"),
    ],
)
def test_wrong_arrays(bmx_run, files, array, text):
    folder, _ = files
    np.save(folder / "wrong.npy", array)
    output = folder / "y.npy"
    failure(bmx_run(folder / "lenet.bmx", "--input", folder / "wrong.npy", "--output", output), 1, text)
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "no model file was given"),
        (["a.bmx"], "--input is missing"),
        (["a.bmx", "b.bmx", "--input", "x.npy"], "found also 'b.bmx'"),
        (["a.bmx", "--input"], "--input needs a value"),
        (["a.bmx", "--input", "x.npy", "--top", "0"], "--top needs a number from 1"),
        (["a.bmx", "--input", "x.npy", "--repeat", "many"], "--repeat needs a number from 1"),
        (["a.bmx", "--input", "x.npy", "--threads", "257"], "--threads needs a number from 1 to 256"),
        (["a.bmx", "--fast"], "unknown option '--fast'"),
    ],
)
def test_usage_errors(bmx_run, arguments, text):
    failure(bmx_run(*arguments), 2, text)


def test_help(bmx_run):
    result = bmx_run("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: bmx-run FILE")


def test_help_names_the_instruction_sets_of_this_build():
    result = subprocess.run([NATIVE, "--help"], capture_output=True, text=True, check=True)
    assert f"auto, or one of this build: {', '.join(runtime.built_isas())} (" in result.stdout
