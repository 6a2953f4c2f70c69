"""Nets of several bits: right files agree in every code, wrong ones are found, ties are told from errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

import bmx
from bmx import compiler
from bmx.compiler import fileformat
from bmx.compiler.ir.graph import CODES, Origin
from bmx.compiler.ir.verifier import verify as verify_graph
from bmx.verification import VerificationError, compare_layers
from bmx.verification.ties import distance_to_jump, find_ties, near_jump, near_jump_in_net
from tests.support.changed_files import changed, initialize, sequential


class Codes(HybridBlock):
    """round(clip(scale * x, 0, 2^bits - 1)), times a step."""

    def __init__(self, bits: int, scale: float = 1.0, step: float = 1.0) -> None:
        super().__init__()
        self.largest, self.scale, self.step = 2**bits - 1, scale, step

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        codes = F.round(F.clip(x * self.scale, 0, self.largest))
        return codes if self.step == 1 else codes * self.step


class Integers(mx.init.Initializer):
    """Weights of a few bits."""

    def __init__(self, *values: int) -> None:
        super().__init__()
        self.values = values

    def _init_weight(self, name: str, array: Any) -> None:
        array[:] = mx.nd.array(np.random.choice(self.values, array.shape))


WEIGHTS = [(-1, 1), (-1, 0, 1), (-3, -1, 1, 3), (-8, 7, 2), (-127, 64, 3)]


def conv(channels: int, values: tuple, kernel: int = 3, **kwargs: Any) -> nn.Conv2D:
    return nn.Conv2D(channels, kernel, weight_initializer=Integers(*values), **kwargs)


def dense(units: int, values: tuple, **kwargs: Any) -> nn.Dense:
    return nn.Dense(units, weight_initializer=Integers(*values), **kwargs)


def everything() -> tuple[HybridBlock, tuple]:
    """Codes of images and vectors, with steps, pools and flatten between them and their layers."""
    net = sequential(
        nn.Conv2D(5, 3),
        nn.BatchNorm(),
        Codes(2, 2.0),
        nn.MaxPool2D(2, 1),
        conv(6, WEIGHTS[1], padding=1, use_bias=False),
        nn.BatchNorm(),
        nn.Activation("tanh"),
        Codes(4, 15.0, 1 / 15),
        conv(7, WEIGHTS[2], padding=1),
        nn.BatchNorm(),
        Codes(3, 7.0, 1 / 7),
        nn.Flatten(),
        dense(20, WEIGHTS[3]),
        nn.BatchNorm(),
        Codes(1, 3.0),
        dense(9, WEIGHTS[0], use_bias=False),
        nn.Dense(3),
    )
    np.random.seed(0)
    shape = (1, 2, 9, 8)
    return initialize(net, shape), shape


def packed_file(net: HybridBlock, shape: tuple) -> bytes:
    return fileformat.to_bytes(compiler.compile(net, shape))


@pytest.fixture(scope="module")
def packed() -> tuple[HybridBlock, bytes]:
    net, shape = everything()
    return net, packed_file(net, shape)


def test_all_codes_of_a_right_file_agree(packed: tuple) -> None:
    net, content = packed
    graph = fileformat.read(content)
    types = verify_graph(graph)
    integer_layers = [node for node in graph.nodes if node.op in ("integer_conv2d", "integer_dense")]
    assert len(integer_layers) == 4
    report = compare_layers(net, content)
    assert report.passed, report.diverging
    codes = [row for row in report.layers if row.dtype in CODES and not row.fused]
    assert [row.dtype for row in codes] == [types[row.node].dtype for row in codes]
    assert {"u1", "u4"} <= {row.dtype for row in codes}
    assert {row.layer.split("(")[0] for row in codes} == {"code", "max_pool"}
    assert all("code(" in row.layer for row in codes)
    assert bmx.verify(net, content).passed


@pytest.mark.parametrize("seed", range(20))
def test_random_nets_of_codes(seed: int) -> None:
    """Values with a wrong counterpart would differ in nearly every element."""
    random = np.random.RandomState(seed)
    np.random.seed(seed)

    def number(*choices: Any) -> Any:
        return choices[random.randint(len(choices))]

    def codes() -> HybridBlock:
        return Codes(number(1, 2, 3, 4, 8), number(0.5, 3.0, 1.0), number(1.0, 0.25, 1 / 3))

    image: list[Callable] = [
        lambda: conv(number(3, 8, 33), number(*WEIGHTS), number(1, 3), use_bias=number(False, True)),
        lambda: conv(6, number(*WEIGHTS), 3, padding=1, strides=number(1, 2), use_bias=False),
        lambda: nn.Conv2D(number(3, 8), number(1, 3), padding=1, use_bias=number(False, True)),
        lambda: bmx.gluon.nn.QConv2D(number(5, 9), number(1, 3), use_bias=False),
        lambda: nn.BatchNorm(scale=number(False, True)),
        lambda: nn.Activation(number("relu", "tanh", "sigmoid")),
        lambda: number(nn.MaxPool2D, nn.AvgPool2D)(2, number(1, 2), number(0, 1)),
        codes,
        codes,
        bmx.gluon.nn.QActivation,
    ]
    vector: list[Callable] = [
        lambda: dense(number(5, 40), number(*WEIGHTS), use_bias=number(False, True)),
        lambda: nn.Dense(number(5, 40)),
        nn.BatchNorm,
        codes,
        codes,
        bmx.gluon.nn.QActivation,
    ]
    layers = [number(*image)() for _ in range(random.randint(4, 10))]
    layers += [nn.Flatten()] + [number(*vector)() for _ in range(random.randint(1, 6))]
    net = initialize(sequential(*layers), (1, 3, 12, 11), seed=seed)
    for layer in layers:
        if isinstance(layer, (nn.Conv2D, nn.Dense)) and isinstance(
            layer.weight.init, Integers
        ):  # `initialize` drew others
            values = np.random.choice(layer.weight.init.values, layer.weight.shape)
            layer.weight.set_data(mx.nd.array(values))
    content = packed_file(net, (1, 3, 12, 11))
    report = compare_layers(net, content, seed=seed)
    assert report.passed, report.diverging
    assert bmx.verify(net, content).passed


def test_a_wrong_constant_of_codes_is_found(packed: tuple) -> None:
    net, content = packed
    graph = fileformat.read(content)
    rows = {row.node: row for row in compare_layers(net, content).layers}
    names = [node.name for node in graph.nodes if node.op in ("quantize", "integer_conv2d", "integer_dense")]
    assert len(names) == 8
    for name in names:
        node = graph.producers()[name]
        wrong = dict(node.constants)
        if node.op == "quantize":
            threshold = wrong["threshold"]
            wrong["threshold"] = threshold + threshold.dtype.type(1 if threshold.dtype == np.float32 else 60)
        else:
            weight = wrong["weight"].copy()
            weight.flat[::3] = -weight.flat[::3]
            wrong["weight"] = weight
        broken = graph.copy()
        broken.replace_node(name, node.with_constants(**wrong))
        report = compare_layers(net, fileformat.to_bytes(broken))
        # A layer without a counterpart is a part of the next one that has one.
        expected = name
        while rows[expected].fused:
            expected = graph.consumers(expected)[0].name
        assert report.diverging is not None, name
        assert report.diverging.node == expected
        if report.diverging.dtype in CODES:
            assert "codes differ" in report.diverging.describe()


def test_distances_to_the_jumps_of_codes() -> None:
    values = np.float32([-5, 0, 0.4999, 0.5, 1, 1.49, 2.5, 2.6, 99])
    np.testing.assert_allclose(
        distance_to_jump(values, 3), [-5.5, -0.5, -0.0001, 0, -0.5, -0.01, 0, 0.1, 96.5], atol=1e-6
    )
    np.testing.assert_array_equal(distance_to_jump(values, 0), values)
    row = np.float32([[0.5, 0.50001, 1.4999999, 8]])
    np.testing.assert_array_equal(near_jump(distance_to_jump(row, 3), row), [[True, True, True, False]])
    row = np.float32([[0.5, 0.51, 1.4999999, 8]])
    np.testing.assert_array_equal(
        near_jump_in_net(distance_to_jump(row, 3), row), [[True, False, True, False]]
    )


def halves_net() -> tuple[HybridBlock, bytes, np.ndarray]:
    """A net, its file, and samples whose real sums lie halfway between two codes.

    The batch norm is folded into the weights, which rounds otherwise, because its value is not only a code's.
    """
    doubled = nn.HybridLambda(lambda _, x: x + (x * 0).tanh())
    np.random.seed(0)
    net = sequential(
        nn.Dense(30, use_bias=False), nn.BatchNorm(), doubled, Codes(2), dense(20, WEIGHTS[2]), nn.Dense(4)
    )
    initialize(net, (1, 300))
    net[1].beta.set_data(mx.nd.array(np.random.choice([0.5, 1.5, 2.5], 30)))
    net[1].running_mean.set_data(mx.nd.zeros(30))
    basis = np.linalg.qr(net[0].weight.data().asnumpy().T.astype(np.float64))[0]
    x = np.random.RandomState(3).standard_normal((40, 300))
    return net, packed_file(net, (1, 300)), (x - x @ basis @ basis.T).astype(np.float32)


def test_ties_of_codes_do_not_decide_and_errors_are_no_ties() -> None:
    net, content, samples = halves_net()
    outputs = bmx.runtime.Model(content)(samples)
    differing = np.abs(outputs - net(mx.nd.array(samples)).asnumpy()).max(axis=1) > 1e-3
    assert differing.mean() > 0.5, "the samples are to differ by ties"
    report = bmx.verify(net, content, samples)
    assert report.passed
    assert report.ties == differing.sum()
    assert find_ties(net, [samples]).all()
    graph = fileformat.read(content)
    node = next(node for node in graph.nodes if node.op == "quantize")
    threshold = node.constants["threshold"] + np.float32(1e-3)
    graph.replace_node(node.name, node.with_constants(threshold=threshold))
    samples = np.random.RandomState(4).standard_normal((400, 300)).astype(np.float32)
    report = bmx.verify(net, fileformat.to_bytes(graph), samples)
    assert not report.passed
    assert "code(" in report.diverging_layer


def pixel_net() -> HybridBlock:
    np.random.seed(0)
    net = sequential(
        Codes(8, 255.0, 1 / 255),
        conv(8, WEIGHTS[1], padding=1, use_bias=False),
        nn.BatchNorm(),
        Codes(2, 3.0),
        conv(4, WEIGHTS[0], use_bias=False),
        nn.BatchNorm(),
        nn.Flatten(),
        nn.Dense(3),
    )
    net = initialize(net, (1, 3, 8, 8))
    for layer in (net[1], net[4]):
        values = np.random.choice(layer.weight.init.values, layer.weight.shape)
        layer.weight.set_data(mx.nd.array(values))
    return net


UNIT = {"scale": 1 / 255, "mean": [0.0] * 3, "std": [1.0] * 3}
PIXELS = np.random.RandomState(0).randint(0, 256, (5, 3, 8, 8)).astype(np.uint8)


@pytest.mark.parametrize("sample", [None, PIXELS, (PIXELS / 255).astype(np.float32)], ids=["-", "u8", "f32"])
def test_a_file_that_reads_bytes_is_fed_with_codes(sample: np.ndarray | None, tmp_path: Path) -> None:
    net, path = pixel_net(), tmp_path / "net.bmx"
    report = bmx.export(net, path, (1, 3, 8, 8), preprocessing=UNIT, sample=sample)
    assert (report.samples, report.passed, report.ties) == (32 if sample is None else 37, True, 0)
    model = bmx.runtime.Model(path)
    assert model.inputs[0].dtype == "uint8"
    expected = net(mx.nd.array(PIXELS / 255)).asnumpy()
    np.testing.assert_allclose(model(PIXELS), expected, rtol=1e-4, atol=1e-4)
    assert bmx.verify(net, path).passed
    assert bmx.verify(net, path, sample).passed
    layers = compare_layers(net, path, sample)
    assert layers.passed
    assert "to_planes" in [row.operator for row in layers.layers if row.bits == 0]


def test_another_net_does_not_quantize_the_bytes() -> None:
    content = fileformat.to_bytes(compiler.compile(pixel_net(), (1, 3, 8, 8), UNIT))
    other = initialize(sequential(nn.Conv2D(3, 3), nn.Flatten(), nn.Dense(3)), (1, 3, 8, 8))
    with pytest.raises(VerificationError, match=r"reads bytes as 'data', which the net does not quantize"):
        bmx.verify(other, content)


def test_a_wrong_layer_after_bytes_is_found() -> None:
    net = pixel_net()
    content = fileformat.to_bytes(compiler.compile(net, (1, 3, 8, 8), UNIT))
    graph = fileformat.read(content)
    name = next(node.name for node in graph.nodes if node.op == "dense")
    assert compare_layers(net, changed(content, name)).diverging.node == name
    node = next(node for node in graph.nodes if node.op == "integer_conv2d")
    graph.replace_node(node.name, node.with_constants(weight=-node.constants["weight"]))
    assert not bmx.verify(net, fileformat.to_bytes(graph)).passed


def test_a_step_function_is_one_comparison() -> None:
    """ste_heaviside: 0 or 1; its ties are those of the sign that it is made of."""
    layer = bmx.gluon.nn.QDense(20, in_units=30, input_quantizer="ste_heaviside", use_bias=False)
    net = initialize(sequential(nn.Dense(30), nn.BatchNorm(), layer, nn.Dense(3)), (1, 50))
    content = packed_file(net, (1, 50))
    nodes = fileformat.read(content).nodes
    assert [node.op for node in nodes] == ["dense", "quantize", "integer_dense", "cast", "dense"]
    report = compare_layers(net, content)
    assert report.passed
    row = next(row for row in report.layers if row.operator == "quantize")
    assert row.layer.startswith("sign(")
    node = next(node for node in nodes if node.op == "quantize")
    graph = fileformat.read(content)
    threshold = node.constants["threshold"] + np.float32(0.05)
    graph.replace_node(node.name, node.with_constants(threshold=threshold))
    assert compare_layers(net, fileformat.to_bytes(graph)).diverging.node == node.name


def test_what_is_rounded_in_mxnet_alone_is_noted() -> None:
    graph = compiler.compile(everything()[0], (1, 2, 9, 8))
    layers = [node for node in graph.nodes if node.op in ("integer_conv2d", "integer_dense")]
    # The second reads codes times a step and has a bias, the third a bias; the others multiply codes.
    assert [node.name in graph.rounded for node in layers] == [False, True, True, False]
    assert [node.name in graph.origins for node in layers] == [True, False, False, True]
    assert all(isinstance(origin, Origin) for origin in graph.origins.values())
