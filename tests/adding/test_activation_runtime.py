"""An activation of the runtime is one entry of pointwise/activations.inc: an operator, alone and fused.

The compiler's half is one class in bmx/compiler/ir/ops/elementwise.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support import bmx_files
from tests.support.cxx import build_program, source

ENTRY = """
BMX_ACTIVATION(softsign, Softsign, kNone, kColumns,
               Floats::div(x, Floats::add(Floats::broadcast(1.0F), Floats::abs(x))))
"""
LAST_LINE = "#undef BMX_ACTIVATION\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bmx-run whose scalar unit knows softsign, x / (1 + |x|)."""
    activations = source("pointwise/activations.inc")
    assert activations.endswith(LAST_LINE)
    changed = {"pointwise/activations.inc": activations.replace(LAST_LINE, ENTRY + LAST_LINE)}
    sources = ["microkernels/scalar.cc", "ops/elementwise.cc", "ops/operator.cc", "tools/bmx_run.cc"]
    return build_program(tmp_path_factory.mktemp("activation"), changed, sources)


def run(
    program: Path, folder: Path, builder: bmx_files.GraphBuilder, output: str, x: np.ndarray
) -> np.ndarray:
    (folder / "net.bmx").write_bytes(builder.encode(output))
    np.save(folder / "x.npy", x)
    files = [str(folder / "net.bmx"), "--input", str(folder / "x.npy"), "--output", str(folder / "y.npy")]
    subprocess.run([str(program), *files, "--isa", "scalar"], check=True)
    return np.load(folder / "y.npy")


def softsign(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.abs(x))


def test_alone(program: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(2).standard_normal((3, 37)).astype("float32") * 4
    x[0, :3] = 0, 1e30, -0.0
    builder = bmx_files.GraphBuilder(37)
    y = run(program, tmp_path, builder, builder.node("softsign", "data", "f32", (37,)), x)
    np.testing.assert_array_equal(y, softsign(x))


def test_in_an_epilogue(program: Path, tmp_path: Path) -> None:
    """The dense layer's sums become scale * sum + shift and then softsign before they are stored."""
    random = np.random.default_rng(3)
    x, weight = (random.integers(-3, 4, shape).astype("float32") for shape in [(2, 20), (9, 20)])
    scale, shift = random.standard_normal((2, 9)).astype("float32")
    builder = bmx_files.GraphBuilder(20)
    sums = builder.node("dense", "data", "f32", (9,), weight=weight)
    scaled = builder.node("affine", sums, "f32", (9,), scale=scale, shift=shift)
    y = run(program, tmp_path, builder, builder.node("softsign", scaled, "f32", (9,)), x)
    np.testing.assert_allclose(y, softsign((x @ weight.T) * scale + shift), rtol=1e-6, atol=1e-6)
