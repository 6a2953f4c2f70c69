"""The command line: exit codes, one-sentence errors, JSON, and results equal to the Python interface."""

from __future__ import annotations

import json
import os
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

NET_MODULE = """
import bmx.gluon
import mxnet as mx
from mxnet.gluon import nn
from bmx.gluon.nn import QConv2D

def build():
    mx.random.seed(7)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(8, 3), nn.BatchNorm(), QConv2D(16, 3), nn.BatchNorm(), nn.Flatten(), nn.Dense(3))
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net

def build_two_inputs():
    class TwoInputs(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Dense(3), nn.Dense(3)

        def hybrid_forward(self, F, a, b):
            return self.left(a) + self.right(b)

    mx.random.seed(7)
    net = TwoInputs()
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 8, 8)), mx.nd.zeros((1, 5)))
    return net

def build_unsupported():
    net = nn.HybridSequential()
    net.add(nn.Conv2DTranspose(4, 3))
    net.initialize()
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net

def build_twice():
    class Twice(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.dense, self.dropout = nn.Dense(3), nn.Dropout(0.5)

        def hybrid_forward(self, F, x):
            y = self.dense(x)
            return y, self.dropout(y)

    net = Twice()
    net.initialize()
    net(mx.nd.zeros((1, 5)))
    return net

def broken():
    raise RuntimeError("this net cannot be built")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module that builds nets, a packed file of one of them, its parameters and an input."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "cli_net.py").write_text(NET_MODULE)
    (folder / "labels.txt").write_text("cat\ndog\nbird\n")
    here = os.getcwd()
    os.chdir(folder)
    try:
        result = invoke(
            *["export", "cli_net:build", "net.bmx", "--input-shape", "1,1,8,8"],
            *["--classes", "labels.txt", "--scale", "0.01", "--mean", "0.5", "--json"],
        )
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["report"]["passed"]
    finally:
        os.chdir(here)
        sys.path.remove(str(folder))
    samples = np.random.RandomState(0).standard_normal((3, 1, 8, 8)).astype(np.float32)
    np.save(folder / "x.npy", samples)
    return folder


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


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
        (["run", "net.bmx", "--input", "x.npy", "--output", "y.txt"], r"y\.txt: supported: a \.npy file"),
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


def test_info_tells_what_the_file_holds(inside: Path) -> None:
    description = json.loads(invoke("info", "net.bmx", "--json").stdout)
    assert description["file_bytes"] == (inside / "net.bmx").stat().st_size
    assert description["classes"] == ["cat", "dog", "bird"]
    assert description["inputs"][0]["preprocessing"]["scale"] == pytest.approx(0.01)
    table = invoke("info", "net.bmx").output
    for node in description["nodes"]:
        assert node["op"] in table
    assert f"{description['file_bytes']:,} bytes" in table


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
    Image.fromarray(pixels).save("grey.png")
    x = (pixels.astype(np.float32) * np.float32(0.01) - np.float32(0.5)).reshape(1, 1, 8, 8)
    expected = bmx.runtime.Model("net.bmx")(x)[0]
    top = json.loads(invoke("run", "net.bmx", "--input", "grey.png", "--json").stdout)["top"][0]
    scores = {entry["class"]: entry["score"] for entry in top}
    np.testing.assert_allclose([scores[index] for index in range(3)], expected, rtol=1e-4, atol=1e-5)

    Image.fromarray(np.repeat(np.repeat(pixels, 3, 0), 3, 1)).convert("RGB").save("large.png")
    assert invoke("run", "net.bmx", "--input", "large.png").exit_code == 0
    for name in ("grey.png", "large.png"):
        (inside / name).unlink()


def test_verify_compares_with_the_net(inside: Path) -> None:
    result = invoke("verify", "cli_net:build", "net.bmx", "--samples", "x.npy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["samples"] == 3
    assert report["top1_agreement"] == 1.0


def test_verify_finds_another_net(inside: Path) -> None:
    source = NET_MODULE.replace("mx.random.seed(7)", "mx.random.seed(8)")
    (inside / "cli_other_net.py").write_text(source)
    result = invoke("verify", "cli_other_net:build", "net.bmx")
    assert_fails(result, 1, "does not answer as cli_other_net:build does")
    (inside / "cli_other_net.py").unlink()


def test_verify_and_diff_take_the_same_options(inside: Path) -> None:
    options = {}
    for command in ("verify", "diff"):
        parameters = cli.commands[command].params
        options[command] = [
            (p.name, p.opts, p.multiple if isinstance(p, click.Option) else 0) for p in parameters
        ]
        result = invoke(
            command, "cli_net:build", "net.bmx", "--samples", "x.npy", "--tolerance", "0.5", "--json"
        )
        assert json.loads(result.stdout)["tolerance"] == 0.5
    assert options["verify"] == options["diff"]


def test_diff_shows_every_layer(inside: Path) -> None:
    result = invoke("diff", "cli_net:build", "net.bmx", "--samples", "x.npy", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["passed"], report["samples"], report["first_difference"]) == (True, 3, None)
    table = invoke("diff", "cli_net:build", "net.bmx").output
    for row in report["layers"]:
        assert row["operator"] in table


def test_diff_marks_the_first_layer_that_differs(inside: Path) -> None:
    changed = NET_MODULE.replace(
        "    return net", "    net[-1].bias.set_data(mx.nd.ones(3))\n    return net", 1
    )
    (inside / "cli_changed_net.py").write_text(changed)
    result = invoke("diff", "cli_changed_net:build", "net.bmx")
    assert_fails(
        result, 1, r"first layer that differs from cli_changed_net:build is '\w*dense\d+_fwd' \(dense, max"
    )
    marked = [line for line in result.stdout.splitlines() if "->" in line]
    assert len(marked) == 1
    assert "dense" in marked[0]
    (inside / "cli_changed_net.py").unlink()


def test_diff_refuses_a_file_of_other_layers(inside: Path) -> None:
    (inside / "cli_short_net.py").write_text(
        NET_MODULE.replace("nn.BatchNorm(), nn.Flatten()", "nn.Activation('relu'), nn.Flatten()")
    )
    result = invoke("diff", "cli_short_net:build", "net.bmx")
    assert_fails(result, 1, "other layers than the net compiles to")
    (inside / "cli_short_net.py").unlink()


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


def test_list_models_is_the_registry(inside: Path) -> None:
    from bmx.gluon import model_zoo

    assert json.loads(invoke("list", "models", "--json").stdout) == model_zoo.list_models()
    assert invoke("list", "models").output.split() == model_zoo.list_models()


def test_data_check_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMX_HOME", str(tmp_path))
    assert_fails(invoke("data", "check", "mnist"), 1, "train-images-idx3-ubyte.*run 'bmx data fetch mnist'")


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
