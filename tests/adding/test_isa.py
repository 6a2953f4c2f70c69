"""A new instruction set is one unit and one line of isa_list.inc: the program lists, finds and runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support import bmx_files
from tests.support.cxx import build_program, source


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bmx-run with the scalar unit a second time, under the name of an instruction set of its own."""
    line = "BMX_ISA(scalar, true)\n"
    isa_list, unit = source("microkernels/isa_list.inc"), source("microkernels/scalar.cc")
    assert line in isa_list
    changed = {
        "microkernels/isa_list.inc": isa_list.replace(line, f"BMX_ISA(of_the_day, true)\n{line}"),
        "microkernels/of_the_day.cc": unit.replace("bmx::scalar", "bmx::of_the_day").replace(
            "BMX_DEFINE_KERNELS(scalar)", "BMX_DEFINE_KERNELS(of_the_day)"
        ),
    }
    sources = ["microkernels/of_the_day.cc", "microkernels/kernels.cc", "tools/bmx_run.cc"]
    return build_program(tmp_path_factory.mktemp("isa"), changed, sources)


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


def files(folder: Path, weight: np.ndarray, x: np.ndarray) -> list[str]:
    """Arguments of the program for a dense layer of these weights on x."""
    builder = bmx_files.GraphBuilder(weight.shape[1])
    output = builder.node("dense", "data", "f32", weight.shape[:1], weight=weight)
    (folder / "net.bmx").write_bytes(builder.encode(output))
    np.save(folder / "x.npy", x)
    return [str(folder / "net.bmx"), "--input", str(folder / "x.npy")]


def test_help_and_errors_list_it(program: Path, tmp_path: Path) -> None:
    assert "of_the_day, scalar" in run(program, "--help").stdout
    unknown = run(
        program, *files(tmp_path, np.eye(3, dtype="float32"), np.zeros(3, "float32")), "--isa", "of_tomorrow"
    )
    assert "of_the_day, scalar" in unknown.stderr


def test_it_runs(program: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    weight, x = (random.standard_normal(shape).astype("float32") for shape in [(7, 20), (2, 20)])
    arguments, results = files(tmp_path, weight, x), {}
    for isa in ("of_the_day", "scalar"):
        output = tmp_path / f"{isa}.npy"
        answer = run(program, *arguments, "--output", str(output), "--isa", isa, "--json")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["isa"] == isa
        results[isa] = np.load(output)
    np.testing.assert_array_equal(results["of_the_day"], results["scalar"])
    np.testing.assert_allclose(results["scalar"], x @ weight.T, rtol=1e-5, atol=1e-5)
