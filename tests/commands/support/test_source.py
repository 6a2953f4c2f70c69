"""Every kind of source with every command that takes a net."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import mxnet as mx
import pytest
from click.testing import Result
from mxnet.gluon import nn

import bmx
from bmx.cli import cli
from bmx.commands.support.source import KINDS
from bmx.gluon.nn import QConv2D
from bmx.gluon.parameters import ensure_initialized
from bmx.gluon.sources import build_model
from tests.support.command_line import assert_fails, invoke

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at import, about versions of what it depends on
    import gluoncv  # noqa: F401

CLASSES = 3
MODULE = """
from tests.commands.support.test_source import small_net as build
"""


def small_net(**_: Any) -> nn.HybridSequential:
    mx.random.seed(3)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.BatchNorm(), QConv2D(6, 3, in_channels=4), nn.GlobalAvgPool2D(), nn.Flatten())
    net.add(nn.Dense(CLASSES))
    ensure_initialized(net, (1, 3, 32, 32))
    return net


class Source(NamedTuple):
    """How a kind of source is given to commands."""

    name: str
    shape: tuple[int, ...]
    params: list[str]


SHAPES = {
    "lenet": (1, 1, 28, 28),
    "gluoncv:cifar_resnet20_v1": (1, 3, 32, 32),
    "binarized:cifar_resnet20_v1": (1, 3, 32, 32),
    "source_net:build": (1, 3, 32, 32),
    "saved-symbol.json": (1, 3, 32, 32),
}


@pytest.fixture(scope="module", params=list(SHAPES))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A source of each kind, in the working directory with its parameters and its packed file."""
    name, folder = request.param, tmp_path_factory.mktemp("source")
    shape, params = SHAPES[name], []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))  # commands put the working directory first
        if name == "source_net:build":
            Path("source_net.py").write_text(MODULE)
        elif name == "saved-symbol.json":
            net = small_net()
            net.hybridize()
            net(mx.nd.zeros(shape))
            net.export("saved")
            params = ["--params", "saved-0000.params"]
        else:
            net = build_model(name, {"classes": CLASSES})
            ensure_initialized(net, shape)
            net.save_parameters("net.params")
            params = ["--params", "net.params"]
        Path("labels.txt").write_text("cat\ndog\nbird\n")
        sizes = ",".join(map(str, shape))
        packed = invoke("export", name, "net.bmx", *params, "--input-shape", sizes, "--classes", "labels.txt")
        assert packed.exit_code == 0, packed.output
        yield Source(name, shape, params)
    sys.modules.pop("source_net", None)


def test_verify(source: Source) -> None:
    done = invoke("verify", source.name, "net.bmx", *source.params, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"]


def test_diff(source: Source) -> None:
    done = invoke("diff", source.name, "net.bmx", *source.params, "--samples", samples(source), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"]


def test_summary(source: Source) -> None:
    shape = ",".join(map(str, source.shape))
    arguments = ["--input", shape, "--classes", str(CLASSES), "--json"]
    params = source.params if source.name.endswith(".json") else []  # random weights count the same
    found = json.loads(invoke("summary", source.name, *params, *arguments).stdout)
    assert found["params"] > 0
    assert found["layers"][-1]["shape"][-1] == CLASSES
    assert (found["binary_macs"] > 0) == ("gluoncv:" not in source.name)


def test_a_saved_net_counts_as_the_net_itself(tmp_path: Path) -> None:
    net = small_net()
    net.hybridize()
    net(mx.nd.zeros((1, 3, 32, 32)))
    net.export(str(tmp_path / "net"))
    files = (str(tmp_path / "net-symbol.json"), str(tmp_path / "net-0000.params"))
    saved, itself = (bmx.summary(each, (1, 3, 32, 32), "larq").as_dict() for each in (files, net))
    assert saved == itself


def test_train(source: Source, tmp_path: Path) -> None:
    _, channels, height, width = source.shape
    done = invoke(
        *("train", "--model", source.name, *source.params, "--dataset", "random"),
        *("--set", f"data.shape=[{height},{width},{channels}]", "--set", f"data.classes={CLASSES}"),
        *("--set", "data.train_limit=4", "--set", "data.test_limit=2", "--batch-size", "2", "--epochs", "1"),
        *("--output", str(tmp_path / "out"), "--export", str(tmp_path / "trained.bmx"), "--json"),
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["agreement"]["passed"]
    (tmp_path / "out" / "result.json").unlink()
    resumed = invoke("train", "--resume", "--output", tmp_path / "out")
    assert resumed.exit_code == 0, resumed.stderr
    assert "resumed at epoch 1, batch 0 of stage 1" in resumed.stdout


def samples(source: Source) -> str:
    import numpy as np

    np.save("x.npy", np.random.RandomState(0).standard_normal((2, *source.shape[1:])).astype(np.float32))
    return "x.npy"


@pytest.mark.parametrize("command", ["export", "verify", "diff", "summary"])
def test_help_says_the_same(command: str) -> None:
    said = " ".join(invoke(command, "--help").output.split())
    assert KINDS in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lennet", "did you mean lenet"),
        ("gluoncv:cifar_resnet20_v9", "GluonCV has no such net; it has cifar_resnet20_v"),
        ("binarized:cifar_resnet20_v9", "it has binarized:cifar_resnet20_v"),
        ("no_such:build", "there is no module 'no_such' here or installed; expected the name of a zoo model"),
        ("json:no", "module 'json' has no function 'no'"),
        ("absent-symbol.json", "there is no file absent-symbol.json"),
    ],
)
@pytest.mark.parametrize("command", ["export", "verify", "diff", "summary", "train"])
def test_what_names_nothing(source_file: Path, command: str, name: str, message: str) -> None:
    found: Result = {
        "export": lambda: invoke("export", name, "x.bmx", "--params", "x", "--input-shape", "1,1,28,28"),
        "verify": lambda: invoke("verify", name, str(source_file), "--params", "x"),
        "diff": lambda: invoke("diff", name, str(source_file), "--params", "x"),
        "summary": lambda: invoke("summary", name, "--params", "x", "--input", "1,1,28,28"),
        "train": lambda: invoke("train", "--model", name, "--params", "x", "--dataset", "random"),
    }[command]()
    assert_fails(found, 1 if command == "train" else 2, message)


@pytest.fixture(scope="module")
def packed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "net.bmx"
    bmx.export(small_net(), str(path), (1, 3, 32, 32), verify=False)
    return path


@pytest.fixture
def source_file(packed_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packed file, seen from a folder that holds a file x."""
    monkeypatch.chdir(tmp_path)
    Path("x").touch()
    return packed_file


def test_no_command_takes_a_net_in_another_way() -> None:
    taking = {name for name, command in cli.commands.items() if "source" in {p.name for p in command.params}}
    assert taking == {"export", "verify", "diff", "summary", "widths"}
