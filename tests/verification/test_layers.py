"""Layer by layer: right files agree everywhere, a wrong layer is found, ties are told from errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

import bmx
from bmx import compiler
from bmx.compiler import fileformat
from bmx.compiler.ir.verifier import verify as verify_graph
from bmx.gluon.nn import QActivation, QConv2D, QDense
from bmx.verification import VerificationError, compare_layers, outputs
from bmx.verification.ties import near_jump
from tests.support.changed_files import changed, initialize, sequential


class Residual(HybridBlock):
    """The sign of the next block reads a real sum, so every bit is one of a rounded number."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = QConv2D(channels, 3, padding=1, use_bias=False)
        self.norm = nn.BatchNorm()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return x + self.norm(self.conv(x))


def everything() -> tuple[HybridBlock, tuple]:
    """All that the passes move: batch norms, pools before and after signs, flattened images."""
    net = sequential(
        nn.Conv2D(5, 3, activation="tanh"),
        nn.MaxPool2D(2, 1),
        nn.BatchNorm(),
        nn.Dropout(0.5),
        QConv2D(33, 3, padding=1, pad_value=1),
        nn.BatchNorm(),
        nn.MaxPool2D(2, 2),
        nn.Activation("relu"),
        QActivation(),
        nn.MaxPool2D(2, 1),
        QConv2D(4, 3, padding=1, input_quantizer=None, output_range="popcount"),
        nn.BatchNorm(),
        Residual(4),
        nn.Conv2D(3, 1, use_bias=False),
        nn.BatchNorm(),
        nn.AvgPool2D(2, 1),
        nn.Flatten(),
        nn.BatchNorm(),
        nn.Activation("tanh"),
        QDense(7, use_bias=False),
        nn.BatchNorm(),
        nn.Dense(3),
    )
    shape = (1, 2, 13, 12)
    return initialize(net, shape), shape


@pytest.fixture(scope="module")
def packed() -> tuple[HybridBlock, bytes]:
    net, shape = everything()
    return net, fileformat.to_bytes(compiler.compile(net, shape))


def test_all_layers_of_a_right_file_agree(packed: tuple) -> None:
    report = compare_layers(*packed)
    assert report.passed
    assert report.diverging is None
    # Parts of layers have no counterpart; all else has.
    fused = [row.operator for row in report.layers if row.fused]
    assert len(report.layers) - len(fused) >= 14
    assert set(fused) <= {"binary_conv2d", "binary_dense", "max_pool2d", "threshold", "flatten"}
    json.dumps(report.as_dict())


@pytest.mark.parametrize("seed", range(25))
def test_what_a_value_stands_for_is_known_after_all_passes(seed: int) -> None:
    """Values with a wrong counterpart would differ in nearly every element."""
    random = np.random.RandomState(seed)

    def number(*choices: Any) -> Any:
        return choices[random.randint(len(choices))]

    image: list[Callable] = [
        lambda: QConv2D(number(3, 8, 33), number(1, 3), padding=number(0, 1), use_bias=number(False, True)),
        lambda: QConv2D(6, 3, padding=1, pad_value=number(1, -1), output_range=number("dot", "popcount")),
        lambda: nn.Conv2D(number(3, 8), number(1, 3), padding=1, use_bias=number(False, True)),
        lambda: nn.BatchNorm(scale=number(False, True)),
        lambda: nn.Activation(number("relu", "tanh")),
        lambda: number(nn.MaxPool2D, nn.AvgPool2D)(2, number(1, 2), number(0, 1)),
        lambda: nn.Dropout(0.5),
    ]
    dense: list[Callable] = [
        lambda: QDense(number(5, 40), use_bias=number(False, True)),
        lambda: nn.Dense(number(5, 40)),
        lambda: nn.BatchNorm(),
        lambda: nn.Activation(number("relu", "tanh")),
    ]
    layers = [number(*image)() for _ in range(random.randint(4, 10))]
    layers += [nn.Flatten()] + [number(*dense)() for _ in range(random.randint(1, 6))]
    net = initialize(sequential(*layers), (1, 3, 12, 11), seed=seed)
    content = fileformat.to_bytes(compiler.compile(net, (1, 3, 12, 11)))
    report = compare_layers(net, content, seed=seed)
    assert report.passed, report.diverging
    last = report.layers[-1] if report.layers[-1].operator != "transpose" else report.layers[-2]
    assert not last.fused


MOVES: dict[str, Callable] = {
    "concat": lambda ops, x: ops.concat(x, ops.relu(x), dim=1),
    "parts": lambda ops, x: ops.concat(*reversed(list(ops.split(x, num_outputs=2, axis=1))), dim=1),
    "padding": lambda ops, x: ops.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 1, 0)),
    "larger": lambda ops, x: ops.UpSampling(x, scale=2, sample_type="nearest"),
    "shuffled": lambda ops, x: ops.reshape(
        ops.swapaxes(ops.reshape(x, shape=(0, -4, 2, -1, -2)), 1, 2), shape=(0, -3, -2)
    ),
    "transposed": lambda ops, x: ops.transpose(x, axes=(0, 2, 3, 1)),
}


@pytest.mark.parametrize("name", MOVES)
def test_values_that_move_are_found_again(name: str) -> None:
    class Moved(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.stem = sequential(QConv2D(4, 3), nn.BatchNorm())
            self.head = sequential(nn.BatchNorm(), QDense(5), nn.Dense(3))
            self.flat = sequential(nn.Flatten(), nn.Activation("tanh"), nn.Dense(3))

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            moved = MOVES[name](F, self.stem(x))
            flat = F.softmax(F.flatten(MOVES[name](F, moved * 3)))
            return self.head(moved), self.flat(moved * 2), moved, F.flatten(moved), flat

    net = initialize(Moved(), (1, 2, 9, 8))
    report = compare_layers(net, _compile(net, (1, 2, 9, 8)))
    assert report.passed, report.diverging
    assert sum(not row.fused for row in report.layers) >= 5


def test_a_wrong_layer_is_found_and_no_other(packed: tuple) -> None:
    net, content = packed
    graph = fileformat.read(content)
    types = verify_graph(graph)
    names = [node.name for node in graph.nodes if node.constants]
    assert len(names) >= 12
    rows = {row.node: row for row in compare_layers(net, content).layers}
    for name in names:
        report = compare_layers(net, changed(content, name))
        wrong = [row.node for row in report.layers if not row.agrees]
        # A layer without a counterpart is a part of the next one that has one.
        expected = name
        while rows[expected].fused:
            expected = graph.consumers(expected)[0].name
        # Integers are handed on as the file computes them, to the one layer after it.
        after = [node.name for node in graph.consumers(expected)] if types[expected].dtype == "i32" else []
        assert wrong in ([expected], [expected, *after]), name
        assert report.diverging.node == expected
        assert not report.passed


def test_bmx_verify_names_the_layer(packed: tuple) -> None:
    net, content = packed
    graph = fileformat.read(content)
    name = next(node.name for node in graph.nodes if node.op == "dense")
    report = bmx.verify(net, changed(content, name))
    assert not report.passed
    assert report.ties == 0
    assert f"the first layer that differs is '{name}' (dense, max |difference|" in str(report)
    assert bmx.verify(net, content).diverging_layer is None


def orthogonal_samples(count: int, weight: np.ndarray) -> np.ndarray:
    """Samples whose products with all rows of the weight are zero but for roundings."""
    basis = np.linalg.qr(weight.T.astype(np.float64))[0]
    x = np.random.RandomState(3).standard_normal((count, weight.shape[1]))
    return (x - x @ basis @ basis.T).astype(np.float32)


@pytest.fixture(scope="module")
def tied() -> tuple[HybridBlock, bytes, np.ndarray]:
    """A net, its file, and samples at the edge of its signs' jump.

    The first batch norm is folded into the weights, which rounds otherwise, because its value
    is not only a sign's.
    """
    doubled = nn.HybridLambda(lambda _, x: x + x.tanh())
    net = sequential(
        nn.Dense(30, use_bias=False), nn.BatchNorm(), doubled, QDense(20), nn.BatchNorm(), nn.Dense(4)
    )
    initialize(net, (1, 300))
    for parameter in (net[1].beta, net[1].running_mean):
        parameter.set_data(mx.nd.zeros(30))
    content = fileformat.to_bytes(compiler.compile(net, (1, 300)))
    return net, content, orthogonal_samples(40, net[0].weight.data().asnumpy())


def test_ties_do_not_decide(tied: tuple) -> None:
    net, content, samples = tied
    outputs = bmx.runtime.Model(content)(samples)
    differing = np.abs(outputs - net(mx.nd.array(samples)).asnumpy()).max(axis=1) > 1e-4
    assert differing.mean() > 0.5, "the samples are to differ by ties"
    report = bmx.verify(net, content, samples)
    assert report.passed
    assert report.ties == differing.sum()
    layers = compare_layers(net, content, samples)
    row = next(row for row in layers.layers if row.bits is not None)
    assert layers.passed
    assert row.accumulated > 40  # bits, as the file runs
    assert row.bits == row.ties == 0  # on MXNet's own numbers


def test_an_error_is_not_taken_for_a_tie(tied: tuple) -> None:
    net, content, samples = tied
    graph = fileformat.read(content)
    node = next(node for node in graph.nodes if node.op == "threshold")
    assert node.constants["threshold"].dtype == np.float32
    for shift in (1e-3, -1e-3):
        threshold = node.constants["threshold"] + np.float32(shift)
        graph.replace_node(node.name, node.with_constants(threshold=threshold))
        report = bmx.verify(net, fileformat.to_bytes(graph), samples)
        assert not report.passed
        assert report.ties < len(samples)
        assert "sign(" in report.diverging_layer


def test_near_jump_is_relative_to_the_sample() -> None:
    values = np.array([[1, 1e-7, 0, -1e-3], [1e-7, 1e-7, 2e-7, -0.0]], dtype=np.float32)
    np.testing.assert_array_equal(near_jump(values, values), [[False, True, False, False], [False] * 4])


def test_residual_nets_are_compared_sign_by_sign() -> None:
    shape = (1, 3, 16, 16)
    net = sequential(
        nn.Conv2D(32, 3), nn.BatchNorm(), *(Residual(32) for _ in range(6)), nn.GlobalAvgPool2D()
    )
    initialize(net, shape)
    report = compare_layers(net, fileformat.to_bytes(compiler.compile(net, shape)))
    assert report.passed
    assert sum(row.layer.startswith("sign(") for row in report.layers) == 6


def test_another_structure_is_refused() -> None:
    nets = [sequential(nn.Dense(3)), sequential(nn.Dense(3), nn.Activation("relu")), sequential(nn.Dense(4))]
    first, *others = (initialize(net, (1, 4)) for net in nets)
    for other in others:
        with pytest.raises(VerificationError, match=r"other layers than the net compiles to|another net"):
            compare_layers(other, _compile(first, (1, 4)))


def test_a_net_of_the_same_layers_under_other_names_is_compared() -> None:
    nets = [initialize(sequential(nn.Dense(3), QDense(4), nn.Dense(2)), (1, 4)) for _ in range(2)]
    assert nets[0][0].name != nets[1][0].name
    assert compare_layers(nets[1], _compile(nets[0], (1, 4))).passed


def test_names_that_two_operators_share_are_not_compared() -> None:
    net = sequential(nn.Dense(3, prefix="a_"), nn.Activation("tanh"), nn.Dense(2, prefix="b_"))

    class Twice(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return self.net[2](F.tanh(F.relu(self.net[0](x), name="same"), name="same"))

    twice = initialize(Twice(), (1, 4))
    report = compare_layers(twice, _compile(twice, (1, 4)))
    assert report.passed
    assert [row.operator for row in report.layers if row.fused] == ["relu", "tanh"]


def _compile(net: HybridBlock, shape: tuple) -> bytes:
    return fileformat.to_bytes(compiler.compile(net, shape))


class TwoInputs(HybridBlock):
    """An image and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.left, self.right = QConv2D(4, 3), QDense(5), nn.Dense(5)
        self.head = nn.Dense(3)

    def hybrid_forward(self, F: Any, image: Any, vector: Any) -> Any:
        joined = self.left(self.conv(image)) + self.right(vector)
        return self.head(joined), F.relu(joined)


SHAPES = {"image": (1, 2, 7, 6), "vector": (1, 9)}


@pytest.mark.parametrize("given", [SHAPES, list(SHAPES.values())], ids=["names", "list"])
def test_a_net_of_two_inputs_and_outputs(given: Any, tmp_path: Path) -> None:
    net = initialize(TwoInputs(), *SHAPES.values())
    names = list(SHAPES) if isinstance(given, dict) else ["data0", "data1"]
    random = np.random.RandomState(0)
    x = [random.standard_normal((5, *shape[1:])).astype(np.float32) for shape in SHAPES.values()]
    path = tmp_path / "net.bmx"
    report = bmx.export(net, path, given, sample=dict(zip(reversed(names), reversed(x))))
    assert (report.samples, report.passed) == (37, True)
    model = bmx.runtime.Model(path)
    assert [value.name for value in model.inputs] == names
    expected = [value.asnumpy() for value in net(*map(mx.nd.array, x))]
    for ours, theirs in zip(model.session().run(x), expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert bmx.verify(net, path, x).samples == 5
    assert bmx.verify(net, path, dict(zip(names, x))).passed
    assert compare_layers(net, path, x).passed
    net.right.bias.set_data(net.right.bias.data() + 1)
    assert compare_layers(net, path, x).diverging.layer == f"{net.right.name}_fwd"


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([np.zeros((2, 2, 7, 6), np.float32)], "the inputs are image, vector; 1 arrays of samples"),
        ({"image": np.zeros((2, 2, 7, 6), np.float32)}, "samples were given for image"),
        (
            [np.zeros((2, 2, 7, 6), np.float32), np.zeros((3, 9), np.float32)],
            "should be equally many, found 2, 3",
        ),
        (
            [np.zeros((2, 2, 7, 6), np.float32), np.zeros((2, 8), np.float32)],
            r"samples of 'vector' should have shape \(batch, 9\), found \(2, 8\)",
        ),
    ],
)
def test_samples_that_do_not_fit_two_inputs(samples: Any, message: str) -> None:
    net = initialize(TwoInputs(), *SHAPES.values())
    with pytest.raises(ValueError, match=message):
        bmx.verify(net, _compile_two(net), samples)


def _compile_two(net: HybridBlock) -> bytes:
    return fileformat.to_bytes(compiler.compile(net, SHAPES))


def test_preprocessing_is_given_by_name() -> None:
    net = initialize(TwoInputs(), *SHAPES.values())
    rule = {"scale": 1 / 255, "mean": [0.1, 0.2], "std": [1.0, 2.0]}
    graph = compiler.compile(net, SHAPES, {"image": rule})
    assert [value.preprocessing for value in graph.inputs] == [rule, None]
    with pytest.raises(ValueError, match="the net has the inputs image, vector; give preprocessing by name"):
        compiler.compile(net, SHAPES, rule)


class ResidualBlock(HybridBlock):
    """x + batch norm(binary convolution(x))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        with self.name_scope():
            self.conv = QConv2D(channels, 3, padding=1, use_bias=False, in_channels=channels)
            self.norm = nn.BatchNorm(in_channels=channels)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return x + self.norm(self.conv(x))


def test_a_small_error_that_flips_bits_further_down_is_not_a_tie() -> None:
    """A shift that is off by a thousandth: its own layer is within tolerance, but the first bit that it
    flips is not that of a number near zero."""
    net = sequential(
        nn.Conv2D(16, 3, padding=1),
        nn.BatchNorm(),
        *(ResidualBlock(16) for _ in range(12)),
        nn.GlobalAvgPool2D(),
    )
    initialize(net, (1, 3, 8, 8))
    content = fileformat.to_bytes(compiler.compile(net, (1, 3, 8, 8)))
    assert bmx.verify(net, content).passed
    graph = fileformat.read(content)
    node = next(node for node in graph.nodes if node.op == "affine" and "shift" in node.constants)
    changed = node.constants["shift"] * np.float32(1.001)
    graph.replace_node(node.name, node.with_constants(shift=changed))
    report = bmx.verify(net, fileformat.to_bytes(graph), tolerance=1e-2)
    assert report.max_abs_difference > 1e-2, "bits should flip"
    assert not report.passed


@pytest.mark.parametrize(("changed", "passes"), [(1, True), (20, False)])
def test_mxnet_may_flip_a_bit_itself_but_not_often(
    tied: tuple, monkeypatch: pytest.MonkeyPatch, changed: int, passes: bool
) -> None:
    """The net as it trains answers otherwise than the net as it was recorded."""
    net, content, _ = tied
    samples = np.random.RandomState(5).standard_normal((32, 300)).astype(np.float32)
    assert bmx.verify(net, content, samples).ties == 0
    run_net = outputs.run_net

    def run_otherwise(*arguments: Any) -> list[np.ndarray]:
        values = run_net(*arguments)
        values[0][:changed] += 1
        return values

    monkeypatch.setattr(outputs, "run_net", run_otherwise)
    report = bmx.verify(net, content, samples)
    assert report.passed is passes
    assert report.ties == (changed if passes else 0)
