"""`bmx export`: round trips of all that it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import bmx
from tests.support.command_line import assert_fails, invoke


def test_a_saved_net_makes_the_round_trip(inside: Path, tmp_path: Path) -> None:
    import mxnet as mx
    from cli_net import build

    net = build()
    net.hybridize()
    x = np.load("x.npy")
    expected = net(mx.nd.array(x)).asnumpy()
    net.export(str(tmp_path / "saved"))
    source = [str(tmp_path / "saved-symbol.json"), str(tmp_path / "saved.bmx")]
    params = ["--params", str(tmp_path / "saved-0000.params")]
    result = invoke("export", *source, *params, "--input-shape", "1,1,8,8", "--json")
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(bmx.runtime.Model(source[1])(x), expected, rtol=1e-4, atol=1e-5)
    for command in ("verify", "diff"):
        assert invoke(command, *source, *params, "--samples", "x.npy").exit_code == 0


def test_several_inputs_are_given_one_by_one(inside: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "two.bmx")
    shapes = ["--input-shape", "image=1,1,8,8", "--input-shape", "more=1,5"]
    result = invoke("export", "cli_net:build_two_inputs", path, *shapes)
    assert result.exit_code == 0, result.output
    assert [value.name for value in bmx.runtime.Model(path).inputs] == ["image", "more"]
    np.save(tmp_path / "more.npy", np.ones((3, 5), np.float32))
    samples = ["--samples", "x.npy", "--samples", str(tmp_path / "more.npy")]
    for command in ("verify", "diff"):
        assert invoke(command, "cli_net:build_two_inputs", path, *samples).exit_code == 0
    assert_fails(invoke("verify", "cli_net:build_two_inputs", path, *samples[:2]), 1, "1 arrays of samples")


def test_zoo_model_with_parameters_makes_the_round_trip(inside: Path) -> None:
    import mxnet as mx

    from bmx.gluon import model_zoo

    mx.random.seed(1)
    net = model_zoo.get_model("lenet", classes=3)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 28, 28)))
    net.save_parameters("zoo.params")
    arguments = ["--params", "zoo.params"]
    shape = ["--input-shape", "1,1,28,28", "--classes", "labels.txt"]
    assert invoke("export", "lenet", "zoo.bmx", *shape, *arguments).exit_code == 0
    assert (inside / "zoo.bmx").stat().st_size <= 215_000
    assert invoke("verify", "lenet", "zoo.bmx", *arguments).exit_code == 0
    for name in ("zoo.params", "zoo.bmx"):
        (inside / name).unlink()
