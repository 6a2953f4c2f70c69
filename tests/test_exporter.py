"""Export, verification and the packed file, on nets of bmx layers with random weights."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

import bmx
from bmx import _core, runtime
from bmx.compiler import UnsupportedError
from bmx.gluon.nn import QActivation, QConv2D, QDense
from bmx.verification import VerificationError

ROOT = Path(__file__).resolve().parent.parent


def randomize(net: nn.HybridBlock, input_shape: tuple, seed: int) -> None:
    """Random weights and non-degenerate batch norm statistics: gamma < 0 and = 0 among them."""
    rng = np.random.RandomState(seed)
    print(f"seed {seed}")
    net.initialize(force_reinit=True)
    net(mx.nd.zeros(input_shape))
    for name, parameter in net.collect_params().items():
        value = rng.standard_normal(parameter.shape)
        if name.endswith("running_var"):
            value = rng.uniform(0.5, 4.0, parameter.shape)
        elif name.endswith("gamma"):
            value.reshape(-1)[:: max(3, value.size // 3)] = 0
        parameter.set_data(mx.nd.array(value))


def lenet_like(channels: int) -> tuple:
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(channels, 5, activation="tanh"),
        nn.MaxPool2D(),
        nn.BatchNorm(),
        QConv2D(channels, 3, padding=1, use_bias=False),
        nn.BatchNorm(),
        nn.MaxPool2D(),
        nn.Flatten(),
        QDense(50),
        nn.BatchNorm(),
        nn.Activation("tanh"),
        nn.Dense(10),
    )
    return net, (2, 1, 28, 28)


def binary_stack(pad_value: int) -> tuple:
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(33, 3, use_bias=False),
        nn.BatchNorm(),
        QActivation(),
        QConv2D(
            66, 3, strides=2, padding=1, groups=3, input_quantizer=None, pad_value=pad_value, use_bias=False
        ),
        nn.BatchNorm(),
        QConv2D(65, 3, dilation=2, padding=2, pad_value=pad_value),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.AvgPool2D(),
        nn.GlobalAvgPool2D(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Dense(7),
    )
    return net, (2, 3, 19, 17)


NETS = {
    "lenet_64": lambda: lenet_like(64),
    "lenet_20": lambda: lenet_like(20),
    "stack_pad_zero": lambda: binary_stack(0),
    "stack_pad_plus": lambda: binary_stack(1),
    "stack_pad_minus": lambda: binary_stack(-1),
}


@pytest.fixture(scope="module", params=sorted(NETS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    net, shape = NETS[request.param]()
    randomize(net, shape, seed=sorted(NETS).index(request.param))
    path = tmp_path_factory.mktemp("export") / f"{request.param}.bmx"
    report = bmx.export(net, path, shape)
    return net, shape, path, report


def test_the_packed_file_answers_as_mxnet(exported: tuple) -> None:
    net, shape, path, _report = exported
    x = np.random.RandomState(5).standard_normal((20, *shape[1:])).astype(np.float32)
    expected, actual = net(mx.nd.array(x)).asnumpy(), runtime.Model(path)(x)
    close = np.abs(actual - expected).max(axis=1) <= 1e-4 * max(1, np.abs(expected).max())
    # A real value within rounding of 0 may get the other sign; its sample then differs: one in 20 at most.
    assert close.sum() >= 19
    np.testing.assert_array_equal(actual[close].argmax(axis=1), expected[close].argmax(axis=1))


def test_the_report_is_stored_in_the_file(exported: tuple) -> None:
    _net, _shape, path, report = exported
    assert (report.passed, report.samples) == (True, 32)
    assert runtime.Model(path).info()["report"] == report.as_dict()


@pytest.mark.parametrize("isa", _core.isas())
def test_every_isa_gives_the_same_bits(exported: tuple, isa: str) -> None:
    _net, shape, path, _report = exported
    x = np.random.RandomState(1).standard_normal((5, *shape[1:])).astype(np.float32)
    expected = runtime.Model(path, isa="scalar")(x)
    np.testing.assert_array_equal(runtime.Model(path, isa=isa)(x), expected)


def bmx_run_commands() -> dict[str, list[str]]:
    """bmx-run as built by scripts/test.sh: on this machine, and for aarch64 under qemu-user."""
    commands = {
        "native": [str(ROOT / "build/native/bmx-run")],
        "aarch64": ["qemu-aarch64", str(ROOT / "build/aarch64/bmx-run")],
    }
    return commands


@pytest.mark.parametrize("target", ["native", "aarch64"])
def test_bmx_run_gives_the_same_bits_without_python(exported: tuple, target: str, tmp_path: Path) -> None:
    command = bmx_run_commands()[target]
    if not Path(command[-1]).exists():
        assert os.environ.get("CI") != "true", f"{command[-1]} was not built"
        pytest.skip(f"{command[-1]} was not built; make test builds it where the compiler is installed")
    _net, shape, path, _report = exported
    x = np.random.RandomState(2).standard_normal((3, *shape[1:])).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    for isa in _core.isas() if target == "native" else ["neon", "scalar"]:
        arguments = [str(path), "--input", "x.npy", "--output", "y.npy", "--isa", isa]
        subprocess.run([*command, *arguments], cwd=tmp_path, check=True)
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), runtime.Model(path)(x))


def test_a_net_that_cannot_be_packed_lists_every_reason_and_leaves_no_file(tmp_path: Path) -> None:
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3), nn.InstanceNorm(), nn.Dense(3), nn.HybridLambda("erf"))
    net.initialize(force_reinit=True)
    net(mx.nd.zeros((1, 1, 8, 8)))
    with pytest.raises(UnsupportedError) as error:
        bmx.export(net, tmp_path / "net.bmx", (1, 1, 8, 8))
    assert "InstanceNorm" in str(error.value)
    assert "erf" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_packed_file_of_another_net_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, shape = lenet_like(8)
    randomize(net, shape, seed=3)
    path = tmp_path / "net.bmx"
    path.write_bytes(b"kept")

    import bmx.exporter

    compile_ = bmx.exporter.compiler.compile

    def compile_wrongly(*args: object, **kwargs: object) -> object:
        graph = compile_(*args, **kwargs)
        for node in graph.nodes:
            if node.op == "dense":
                node.constants["bias"] = node.constants["bias"] + np.float32(1)
        return graph

    monkeypatch.setattr(bmx.exporter.compiler, "compile", compile_wrongly)
    with pytest.raises(VerificationError, match="differs from the net") as error:
        bmx.export(net, path, shape)
    assert f"the first layer that differs is '{net[-1].name}_fwd' (dense, max |difference| 1)" in str(
        error.value
    )
    assert [file.name for file in tmp_path.iterdir()] == ["net.bmx"]
    assert path.read_bytes() == b"kept"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    net, shape = lenet_like(8)
    randomize(net, shape, seed=4)
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        bmx.export(net, tmp_path / "nowhere" / "net.bmx", shape)


def test_verify_finds_another_nets_file(exported: tuple) -> None:
    net, shape, path, _report = exported
    assert bmx.verify(net, path).passed
    randomize(net, shape, seed=99)
    assert not bmx.verify(net, path).passed


def test_the_integer_path_holds_no_float(tmp_path: Path) -> None:
    """[QConv2D, BatchNorm] blocks: integers and bits only inside, and the bits are MXNet's signs."""
    random = np.random.RandomState(11)
    mx.random.seed(11)
    net = nn.HybridSequential()
    for channels, strides in ((33, 1), (64, 2), (70, 1)):
        net.add(QConv2D(channels, 3, strides, 1, use_bias=False), nn.BatchNorm(), nn.Activation("tanh"))
    net.add(nn.MaxPool2D(2, 2), QActivation(), QDense(17), nn.BatchNorm())
    net.initialize(mx.init.Normal(1))
    net(mx.nd.zeros((1, 5, 13, 13)))
    for layer in net:
        if isinstance(layer, nn.BatchNorm):
            shape = layer.gamma.shape
            layer.gamma.set_data(mx.nd.array(random.choice([-1.5, -0.2, 0.0, 0.3, 2.0], shape)))
            layer.beta.set_data(mx.nd.array(random.uniform(-1, 1, shape)))
            layer.running_mean.set_data(mx.nd.array(random.uniform(-5, 5, shape)))
            layer.running_var.set_data(mx.nd.array(random.uniform(0.5, 9, shape)))
    path = str(tmp_path / "net.bmx")
    x = random.standard_normal((6, 5, 13, 13)).astype(np.float32)
    report = bmx.export(net, path, (1, 5, 13, 13), sample=x)
    assert report is not None
    assert report.ties == 0

    model = runtime.Model(path)
    nodes = model.info()["nodes"]
    inner = [node for node in nodes if node["op"] not in ("transpose", "affine")]
    assert [node["op"] for node in inner].count("threshold") == 4
    assert {node["dtype"] for node in inner} == {"bits", "i32"}
    assert [node["op"] for node in nodes].index("affine") == len(nodes) - 1
    # Its signs are those of MXNet, one by one, as the file runs.
    rows = [row for row in bmx.verification.compare_layers(net, path, x).layers if row.bits is not None]
    assert len([row for row in rows if not row.fused]) >= 1
    assert [(row.bits, row.accumulated) for row in rows] == [(0, 0)] * len(rows)


@pytest.mark.parametrize(
    ("quantizer", "convolution", "dense"),
    [
        (QActivation("dorefa", bits=1), "integer_conv2d", "integer_dense"),
        (QActivation("dorefa", bits=3), "integer_conv2d", "integer_dense"),
        (nn.Activation("tanh"), "binary_weight_conv2d", "binary_weight_dense"),
    ],
    ids=["u1", "u3", "real"],
)
@pytest.mark.parametrize("output_range", ["dot", "popcount"])
def test_binary_weights_after_what_is_no_sign(
    quantizer: nn.HybridBlock, convolution: str, dense: str, output_range: str, tmp_path: Path
) -> None:
    settings = {"input_quantizer": None, "output_range": output_range}
    net = nn.HybridSequential()
    net.add(
        *(nn.Conv2D(17, 3), nn.BatchNorm(), quantizer),
        *(QConv2D(18, 3, 2, padding=1, groups=1, **settings), nn.BatchNorm(), quantizer),
        *(QDense(19, use_bias=False, **settings), nn.BatchNorm(), nn.Dense(5)),
    )
    randomize(net, (3, 3, 11, 9), 5)
    path = str(tmp_path / "net.bmx")
    report = bmx.export(net, path, (3, 3, 11, 9), sample=np.random.RandomState(6).rand(4, 3, 11, 9))
    assert report is not None
    assert report.passed
    operators = [node["op"] for node in runtime.Model(path).info()["nodes"]]
    assert {convolution, dense} <= set(operators)
