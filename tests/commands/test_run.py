"""`bmx run`: arrays and images in, all outputs out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bmx
from bmx import runtime
from tests.support.command_line import assert_fails, invoke, json_of


def test_run_with_threads_and_several_outputs(packed_files):
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


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["run", "lenet.bmx", "--input", "x.npy", "--threads", "300"], "300 is not in the range"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2(packed_files, arguments, pattern):
    assert_fails(invoke(*arguments), 2, pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["run", "pair.bmx", "--input", "four.npy"], r"the model has 2 \(data, other\)"),
        (["run", "two.bmx", "--input", "four.npy", "--output", "y.npy"], r"all of them go into one \.npz"),
        (["run", "lenet.bmx", "--input", "x.npy", "--output", "y.npz"], r"goes into a \.npy file"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_failures_exit_with_1_and_leave_no_file(packed_files, arguments, pattern):
    before = set(packed_files.iterdir())
    assert_fails(invoke(*arguments), 1, pattern)
    assert set(packed_files.iterdir()) == before


def test_run_writes_what_the_model_returns(inside: Path) -> None:
    expected = bmx.runtime.Model("net.bmx")(np.load("x.npy"))
    result = invoke("run", "net.bmx", "--input", "x.npy", "--output", "y.npy", "--top", "2", "--json")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(np.load("y.npy"), expected)
    top = json.loads(result.stdout)["top"]
    best = (-expected).argsort(axis=1)[:, :2]
    assert [[entry["class"] for entry in sample] for sample in top] == best.tolist()
    assert top[0][0]["label"] == ["cat", "dog", "bird"][expected[0].argmax()]
    assert top[0][0]["score"] == pytest.approx(expected[0].max())
    table = invoke("run", "net.bmx", "--input", "x.npy", "--top", "1").output
    assert top[2][0]["label"] in table
    (inside / "y.npy").unlink()


def test_run_takes_an_image_with_the_stored_preprocessing(inside: Path) -> None:
    from PIL import Image

    pixels = np.random.RandomState(1).randint(0, 256, (8, 8)).astype(np.uint8)
    Image.fromarray(pixels).save("gray.png")
    x = (pixels.astype(np.float32) * np.float32(0.01) - np.float32(0.5)).reshape(1, 1, 8, 8)
    expected = bmx.runtime.Model("net.bmx")(x)[0]
    top = json.loads(invoke("run", "net.bmx", "--input", "gray.png", "--json").stdout)["top"][0]
    scores = {entry["class"]: entry["score"] for entry in top}
    np.testing.assert_allclose([scores[index] for index in range(3)], expected, rtol=1e-4, atol=1e-5)

    Image.fromarray(np.repeat(np.repeat(pixels, 3, 0), 3, 1)).convert("RGB").save("large.png")
    assert invoke("run", "net.bmx", "--input", "large.png").exit_code == 0
    for name in ("gray.png", "large.png"):
        (inside / name).unlink()
