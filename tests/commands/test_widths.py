"""`bmx widths`: files, resuming, and one-sentence errors."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from bmx.training.widths import Problem
from tests.support import command_line

FILES = {"best.json", "best.params", "evaluations.jsonl", "pareto.svg"}
NET = """
from mxnet.gluon import nn
from bmx.gluon.nn import QDense
from bmx.training.widths import scaled

def build(widths):
    net = nn.HybridSequential()
    net.add(nn.Flatten(), QDense(scaled(8, widths[0])), nn.BatchNorm(), nn.Dense(3))
    return net
"""


def invoke(*arguments: str) -> Result:
    return command_line.invoke("widths", *arguments)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    result = invoke("--quick", "--budget", "0.5", "--output", str(folder), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((folder / "best.json").read_text())
    return folder


def test_the_digits_quickly(undisturbed: Path) -> None:
    assert {file.name for file in undisturbed.iterdir()} == FILES
    found = json.loads((undisturbed / "best.json").read_text())
    assert found["evaluations"] == 6
    assert found["best"]["cost"] <= 0.5
    assert found["final"]["epochs"] == 1
    assert max(item["validation_accuracy"] for item in found["front"]) >= found["best"]["validation_accuracy"]
    names: dict = {}
    exec(found["build"], names)
    names["net"].load_parameters(str(undisturbed / "best.params"))


@pytest.mark.parametrize("after", [2, 6])
def test_stopped_and_started_again(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """After 6 of 6 evaluations it is the longer training that is stopped."""
    asked = []
    evaluate = Problem.evaluate

    def spy(self: Problem, genome: tuple[float, ...]):
        if len(asked) == after:
            raise KeyboardInterrupt
        asked.append(genome)
        return evaluate(self, genome)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = ("--quick", "--budget", "0.5", "--output", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Problem, "evaluate", spy)
        patch.setattr(Problem, "finish", stop)
        result = invoke(*arguments)
    assert (result.exit_code, result.stderr.strip()) == (1, "bmx: interrupted")
    assert {file.name for file in tmp_path.iterdir()} == {"evaluations.jsonl"}
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert f"resuming a search with {after} evaluations" in result.stdout
    assert "Pareto front of 6 nets" in result.stdout
    for name in sorted(FILES - {"best.params"}):
        assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes(), name


def test_other_settings_in_the_same_folder(undisturbed: Path) -> None:
    before = (undisturbed / "evaluations.jsonl").read_bytes()
    result = invoke("--quick", "--budget", "0.5", "--seed", "1", "--output", str(undisturbed))
    assert result.exit_code == 1
    assert result.stderr.startswith("bmx: ")
    assert result.stderr.count("\n") == 1
    assert "a search with seed 0 (now 1)" in result.stderr
    assert (undisturbed / "evaluations.jsonl").read_bytes() == before


def test_a_net_and_data_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "widths_net.py").write_text(NET)
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 90)
    images = (labels[:, None, None, None] - 1 + random.standard_normal((90, 2, 3, 3))).astype(np.float32)
    arrays = {"train_images": images[:60], "train_labels": labels[:60]}
    np.savez(tmp_path / "half.npz", **arrays)
    np.savez(tmp_path / "data.npz", **arrays, test_images=images[60:], test_labels=labels[60:])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = ("widths_net:build", "--layers", "1", "--ratios", "1,2,0.5", "--quick", "--validation", "20")
    result = invoke(*own, "--data", "half.npz")
    assert result.exit_code == 1
    assert "half.npz: there is no array test_images; expected train_images, train_labels" in result.stderr
    result = invoke(*own, "--data", "data.npz", "--final-epochs", "0", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["evaluations"] <= 3
    assert found["build"].startswith("from widths_net import build; net = build([")
    assert found["final"] is None
    assert found["reference"] == {"binary_macs": 18 * 8, "float_macs": 8 * 3}
    assert set(os.listdir("widths")) == FILES - {"best.params"}


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--layers", "2"], "--layers goes with a SOURCE"),
        (["a:b"], "say how many widths a:b takes"),
        (["a:b", "--layers", "2", "--data", "no.npz"], "there is no file no.npz"),
        (["no_such_module:b", "--layers", "2"], "there is no module 'no_such_module'"),
        (["json:no", "--layers", "2"], "expected module:function"),
        (["json", "--layers", "2"], "expected module:function"),
        (["--population", "1"], "--population"),
    ],
)
def test_wrong_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], pattern: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2, result.stderr
    assert pattern in result.stderr
    assert not list(tmp_path.iterdir())
