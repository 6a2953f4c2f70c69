"""What the tests of commands share."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import bmx_files


@pytest.fixture
def packed_files(tmp_path, monkeypatch):
    """The working directory: lenet.bmx, x.npy (3 samples), two.bmx (two outputs), pair.bmx (two inputs)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BMX_ISA", raising=False)
    builder, output = bmx_files.lenet(np.random.default_rng(3), channels=16, hidden=50)
    (tmp_path / "lenet.bmx").write_bytes(builder.encode(output))
    np.save("x.npy", np.random.default_rng(5).standard_normal((3, 1, 28, 28)).astype("float32"))

    builder = bmx_files.GraphBuilder(4)
    outputs = [builder.node("relu", "data", "f32", (4,)), builder.node("tanh", "data", "f32", (4,))]
    (tmp_path / "two.bmx").write_bytes(builder.encode(*outputs))
    np.save("four.npy", np.array([[1, -2, 3, -4]], "float32"))

    builder = bmx_files.GraphBuilder(2)
    builder.graph["inputs"].append({"name": "other", "dtype": "f32", "shape": [2]})
    (tmp_path / "pair.bmx").write_bytes(builder.encode(builder.node("add", ["data", "other"], "f32", (2,))))
    return tmp_path
