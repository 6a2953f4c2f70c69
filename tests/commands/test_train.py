"""`bmx train`: files, what overrides what, resuming by its folder alone, export, and one-sentence errors."""

from __future__ import annotations

import json
import re
import struct
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
from click.testing import CliRunner, Result

from bmx import runtime
from bmx.cli import cli
from bmx.training import toml
from bmx.training.schema import Config
from tests.support import command_line

FILES = {
    *(
        ".lock",
        "best.params",
        "checkpoints",
        "config.toml",
        "events",
        "last.params",
        "log.txt",
        "result.json",
    ),
    "training.svg",
}
NET = """
from mxnet.gluon import nn
from bmx.gluon.nn import QConv2D

def build(width=8):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, in_channels=3), QConv2D(width, 3, in_channels=4), nn.BatchNorm(), nn.Flatten())
    net.add(nn.Dense(4))
    return net
"""
SMALL = (
    *("--dataset", "random", "--set", "data.shape=[8,8,3]", "--set", "data.classes=4", "--epochs", "2"),
    *("--set", "data.train_limit=32", "--set", "data.test_limit=8", "--batch-size", "8"),
)


def invoke(*arguments: str) -> Result:
    return command_line.invoke("train", *arguments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "small_net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command puts the working directory first
    yield tmp_path
    sys.modules.pop("small_net", None)


def events(path: Path) -> Iterator[tuple[int, bytes]]:
    """The records of an event file, read by its format: length, checksum, content, checksum."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        yield length, content[at + 12 : at + 12 + length]
        at += 12 + length + 4
    assert at == len(content)


def test_a_training_from_its_arguments(folder: Path) -> None:
    width = ("--set", "model.arguments.width=6")
    result = invoke(
        "--model", "small_net:build", *SMALL, *width, "--output", "out", "--export", "net.bmx", "--json"
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert {file.name for file in (folder / "out").iterdir()} == FILES
    assert found["accuracy"] == json.loads((folder / "out" / "result.json").read_text())["accuracy"]
    assert found["bytes"] == (folder / "net.bmx").stat().st_size
    assert found["latency_ms"] > 0
    assert runtime.Model(str(folder / "net.bmx")) is not None
    config = Config.from_dict(toml.read(folder / "out" / "config.toml"))
    assert config.model.arguments == {"width": 6}
    assert config.data.batch_size == 8
    lines = (folder / "out" / "log.txt").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [["[Epoch", "0]"], ["[Epoch", "1]"]]
    assert all(name in lines[0] for name in (" train=", " val=", " loss=", " time: "))
    svg = (folder / "out" / "training.svg").read_text()
    assert all(word in svg for word in ("held out", "learning rate", "loss"))
    (file,) = (folder / "out" / "events").iterdir()
    written = b"".join(content for _, content in events(file))
    for tag in (
        b"loss/epoch",
        b"accuracy/held_out",
        b"accuracy/train",
        b"learning_rate",
        b"flip_ratio",
        b"weight",
    ):
        assert tag in written, tag
    again = invoke("--resume", "--output", "out")
    assert again.exit_code == 0, again.stderr
    assert "has ended" in again.stdout


def test_what_overrides_what(folder: Path) -> None:
    from bmx.commands.train import _describe

    (folder / "mine.toml").write_text('[optimizer]\nwd = 0.25\n[data]\nname = "mnist"\n')

    def describe(*settings: str, model: str | None = None, **options: Any) -> Config:
        return _describe("mine.toml", "reactnet", model, options, settings, "out", False)

    found = describe(epochs=3)
    assert (found.optimizer.wd, found.data.name, found.training.epochs) == (0.25, "mnist", 3)
    assert found.of_stage(0).optimizer.wd == 1e-5  # the recipe's stage says so
    assert found.optimizer.learning_rate == 1.25e-3
    found = describe(weight_decay=0.5)
    assert [found.of_stage(number).optimizer.wd for number in (0, 1)] == [0.5, 0.5]
    assert describe(model="lenet").model.arguments == {}
    found = describe("optimizer.arguments.beta1=0.8", "stages=[]", "teacher.model=")
    assert (found.optimizer.arguments, found.stages, found.teacher.model) == ({"beta1": 0.8}, [], "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what to train"),
        (("--resume", "--overwrite"), "--resume and --overwrite: give one of them"),
        (("--resume", "--output", "empty"), "there is no training to resume"),
        (("--recipe", "mnist_quik"), "did you mean 'mnist_quick'"),
        (("absent.toml",), "absent.toml: cannot be read"),
        (("--model", "lenet"), "data.name: expected a data set"),
        (("--model", "lenet", "--dataset", "mnistt"), "data.name: .*mnistt.*mnist"),
        (("--model", "lenet", "--dataset", "imagenet"), "give --root FOLDER"),
        (("--model", "lenet", "--set", "epochs"), "--set epochs: expected KEY=VALUE"),
        (("--model", "lenet", "--set", "training.epoch=3"), "'epoch' is not known .did you mean 'epochs'"),
        (("--model", "small_net:absent", *SMALL), "has no function 'absent'"),
        (
            ("--model", "small_net:build", *SMALL, "--optimizer", "adamm"),
            "optimizer: adamm .* cannot be made",
        ),
        (
            ("--model", "small_net:build", *SMALL, "--augmentation", "much"),
            "expected .*, found 'much'",
        ),
    ],
)
def test_errors_are_one_sentence(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code != 0
    assert re.search(message, result.stderr), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (folder / "training" / "result.json").exists()


def test_recipes_are_listed() -> None:
    runner = CliRunner()
    listed = runner.invoke(cli, ["list", "recipes", "--json"])
    table = json.loads(listed.stdout)
    assert table["reactnet"]["stages"][0]["weights"] == "identity"
    text = runner.invoke(cli, ["list", "recipes"]).stdout
    assert all(name in text for name in table)
