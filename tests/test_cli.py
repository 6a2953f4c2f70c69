"""The command line: exit codes, one-sentence errors, JSON, and results equal to the Python interface."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

import bmx
from bmx.cli import cli
from tests.support.command_line import assert_fails, invoke
from tests.support.subprocesses import ROOT, environment


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert f"bmx {' '.join(path)}".strip() in result.output.split("Example:")[1]


def test_version() -> None:
    assert invoke("--version").output == f"bmx, version {bmx.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["fly"], "No such command 'fly'"),
        (["run"], "Missing argument 'FILE'.*see 'bmx run --help'"),
        (
            ["export", "lenet", "x.bmx", "--input-shape", "1,0,28"],
            "expected positive integers like",
        ),
        (["export", "lenet", "x.bmx", "--input-shape", "1,1,28,28"], "random weights.*--params FILE"),
        (["export", "lennet", "x.bmx", "--input-shape", "1", "--params", "x.npy"], "did you mean lenet"),
        (["export", "lenet", "x.bmx", "--input-shape", "1", "--params", "no"], "no file no"),
        (["export", "no_such:build", "x.bmx", "--input-shape", "1"], "no module 'no_such'"),
        (["export", "cli_net:no", "x.bmx", "--input-shape", "1"], "has no function 'no'"),
        (
            ["export", "cli_net:build", "x.bmx", "--input-shape", "1,1,8,8", "--mean", "a"],
            "not a list",
        ),
        (["export", "cli_net:build", "x.bmx", "--input-shape", "1,1,8,8", "--mean", "1,2"], "expected 1"),
        (["export", "cli_net:build", "x.bmx", "--input-shape", "1,1,8,8", "--classes", "no"], "No such file"),
        (["export", "x-symbol.json", "x.bmx", "--input-shape", "1,5"], "a saved net is two files; give"),
        (
            ["export", "no.json", "x.bmx", "--input-shape", "1,5", "--params", "x.npy"],
            "SOURCE: there is no file no.json",
        ),
        (["export", "cli_net:build", "x.bmx", "--input-shape", "a=1,b"], "'1,b' is not a shape"),
        (
            ["export", "cli_net:build", "x.bmx", "--input-shape", "a=1,5", "--input-shape", "1,5"],
            "2 shapes and the names a; give each input a name",
        ),
        (
            ["export", "c:b", "x.bmx", "--input-shape", "1,5", "--input-shape", "1,5", "--scale", "2"],
            "for nets of one input",
        ),
        (
            ["data", "fetch", "imagenet"],
            "for 'NAME': there is no data set 'imagenet' to fetch; expected one of cifar10, fashion",
        ),
        (["verify", "cli_net:build", "net.bmx", "--tolerance", "-1"], "'-1' is no tolerance; expected"),
        (["verify", "cli_net:build", "net.bmx", "--tolerance", "nan"], "'nan' is no tolerance; expected"),
        (["diff", "cli_net:build", "net.bmx", "--tolerance", "small"], "'small' is no tolerance; expected"),
        (
            ["run", "net.bmx", "--input", "x.npy", "--output", "y.txt"],
            r"--output: expected a \.npy file.* found y\.txt",
        ),
        (["export", "gen", ""], "the argument after 'gen' is empty; give a value"),
        (["export", "lenet", "x.bmx", "--params", ""], "the argument after '--params' is empty"),
        (["", "net.bmx"], "the argument after 'bmx' is empty"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else None,
)
def test_wrong_calls_exit_with_2(inside: Path, arguments: list[str], pattern: str) -> None:
    assert_fails(invoke(*arguments), 2, pattern)
    assert not (inside / "x.bmx").exists()


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["info", "no.bmx"], r"no\.bmx"),
        (["info", "x.npy"], r"x\.npy"),
        (["run", "net.bmx", "--input", "no.npy"], r"no\.npy: No such file"),
        (["run", "net.bmx", "--input", "no.png"], r"no\.png: No such file"),
        (
            ["run", "net.bmx", "--input", "labels.txt"],
            r"labels\.txt: expected a \.npy file or an image, found neither",
        ),
        (["run", "net.bmx", "--input", "wrong_shape.npy"], "1, 8, 8"),
        (["run", "net.bmx", "--input", "float64.npy"], "float32"),
        (["run", "net.bmx", "--input", "x.npy", "--isa", "mmx"], "mmx"),
        (["run", "net.bmx", "--input", "x.npy", "--output", "no/y.npy"], "folder .*/no does not exist"),
        (["export", "cli_net:build_unsupported", "x.bmx", "--input-shape", "1,1,8,8"], "Deconvolution"),
        (
            ["export", "cli_net:build_twice", "x.bmx", "--input-shape", "1,5"],
            r"returns '\w*dense\d+_fwd' and '\w*dropout\d+_fwd', which are the same at inference; return one",
        ),
        (["export", "cli_net:broken", "x.bmx", "--input-shape", "1,1,8,8"], "this net cannot be built"),
        (["export", "cli_net:build", "no/x.bmx", "--input-shape", "1,1,8,8"], "folder .*/no does not exist"),
        (
            ["export", "lenet", "x.bmx", "--input-shape", "1,1,28,28", "--params", "x.npy"],
            "no parameters of lenet",
        ),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)
def test_failures_exit_with_1_and_leave_no_file(inside: Path, arguments: list[str], pattern: str) -> None:
    np.save("wrong_shape.npy", np.zeros((1, 1, 9, 8), np.float32))
    np.save("float64.npy", np.zeros((1, 1, 8, 8)))
    before = set(inside.iterdir())
    assert_fails(invoke(*arguments), 1, pattern)
    assert set(inside.iterdir()) == before


def test_data_check_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMX_HOME", str(tmp_path))
    assert_fails(
        invoke("data", "check", "mnist"),
        1,
        "train-images-idx3-ubyte.*run 'bmx data fetch mnist'",
        prints=True,
    )


def test_debug_shows_the_traceback(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMX_DEBUG", "1")
    result = invoke("export", "cli_net:broken", "x.bmx", "--input-shape", "1,1,8,8")
    assert isinstance(result.exception, RuntimeError)
    assert str(result.exception) == "this net cannot be built"


WITHOUT_MXNET = "import sys; sys.modules['mxnet'] = None; from bmx.cli import main; main()"


def bmx_without_mxnet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_MXNET, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def test_info_and_run_need_no_mxnet(inside: Path) -> None:
    bench = ["bench", "net.bmx", "--runs", "2", "--layers"]
    info = ["info", "net.bmx", "--memory"]
    for arguments in (["info", "net.bmx"], info, ["run", "net.bmx", "--input", "x.npy"], bench, ["--help"]):
        done = bmx_without_mxnet(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["demo"], ["list", "models"], ["verify", "lenet", "net.bmx", "--params", "x.npy"]]
)
def test_commands_that_need_mxnet_say_what_to_install(inside: Path, arguments: list[str]) -> None:
    done = bmx_without_mxnet(*arguments)
    assert done.returncode == 1
    assert re.fullmatch(r'bmx: .*pip install "bmx-gluon\[gluon\]"\n', done.stderr), done.stderr


def test_exit_codes_of_the_process(inside: Path) -> None:
    assert bmx_without_mxnet("info", "no.bmx").returncode == 1
    assert bmx_without_mxnet("info").returncode == 2
    assert bmx_without_mxnet("--version").returncode == 0


def test_importing_the_command_line_is_light() -> None:
    heavy = {"mxnet", "numpy", "rich", "matplotlib"}
    code = f"import sys, bmx.cli; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"
