"""Checkpoints that a faithful model of BMXNet's layers wrote give its outputs in bmx's layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn

import bmx
from bmx.gluon.model_zoo import get_model, load_bmxnet
from bmx.gluon.model_zoo.bmxnet_resnet import block_v1
from bmx.gluon.nn import QConv2D, QDense, defaults
from bmx.gluon.nn.blocks import BinaryDenseLayer, ImprovementBlock
from tests.support import bmxnet_layers as bmxnet
from tests.support.bmxnet_layers import norm_outputs, save_as_export_of_1_5, sequence, settle

# Outputs of a norm are (p - mean) / std * gamma + beta with counts p up to K = 1024; a mean there is rounded
# by 1024 * 2^-25 = 3e-5, its double likewise, and the standard deviations are some units: 1e-4 of a channel's
# largest output is above that, and far below a mistake of 1/2 in a count or of epsilon, which counts in the
# first channel of each norm.
TOLERANCE = 1e-4
SHAPE = (4, 3, 8, 8)
Net = nn.HybridBlock


def lenet_of_bmxnet() -> Net:
    return sequence(
        *(nn.Conv2D(64, 5), nn.Activation("tanh"), nn.MaxPool2D(2), nn.BatchNorm()),
        *(bmxnet.QActivation(), bmxnet.QConv2D(64, 5), nn.BatchNorm(), nn.MaxPool2D(2), nn.Flatten()),
        *(bmxnet.QActivation(), bmxnet.QDense(1000), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(10)),
    )


def pooled(conv: Callable[..., Net], dense: Callable[..., Net], sign: Callable[[], Net]) -> Net:
    """Strides, groups, padding, and pooling in front of norms."""
    return sequence(
        *(nn.Conv2D(16, 3, padding=1, use_bias=False), nn.BatchNorm(scale=False, epsilon=2e-5)),
        *(sign(), conv(32, 3, padding=1), nn.MaxPool2D(2), nn.BatchNorm()),
        *(sign(), conv(32, 3, strides=2, padding=1, groups=2), nn.AvgPool2D(2), nn.BatchNorm(epsilon=1e-3)),
        *(nn.Flatten(), sign(), dense(24), nn.BatchNorm(scale=False), nn.Dense(5)),
    )


def ours_pooled(**arguments: Any) -> Net:
    def conv(*args: Any, **kwargs: Any) -> Net:
        return QConv2D(*args, use_bias=False, **kwargs)

    with defaults(pad_value=-1, **arguments):
        return pooled(conv, lambda units: QDense(units, use_bias=False), nn.HybridSequential)


def theirs_pooled(**arguments: Any) -> Net:
    def conv(*args: Any, **kwargs: Any) -> Net:
        return bmxnet.QConv2D(*args, **kwargs, **arguments)

    return pooled(conv, bmxnet.QDense, bmxnet.QActivation)


class Residual(nn.HybridBlock):
    """BMXNet-v2's block of version 1: the body is registered first, the shortcut is called first."""

    def __init__(self, channels: int, strides: int, shortcut: bool) -> None:
        super().__init__()
        with self.name_scope():
            units = [self.unit(channels, 3, strides), self.unit(channels, 3, 1)]
            self.body = sequence(*units, prefix="")
            self.downsample = self.unit(channels, 1, strides) if shortcut else None

    def unit(self, channels: int, kernel: int, strides: int) -> Net:
        conv = bmxnet.QConv2D(channels, kernel, strides, kernel // 2)
        return sequence(bmxnet.QActivation(), conv, nn.BatchNorm(), prefix="")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        residual = x if self.downsample is None else self.downsample(x)
        return residual + self.body(x)


def theirs_residual() -> Net:
    stem = [nn.Conv2D(16, 3, padding=1, use_bias=False), nn.BatchNorm()]
    return sequence(*stem, Residual(16, 1, False), Residual(32, 2, True), nn.GlobalAvgPool2D(), nn.Dense(5))


def ours_residual(**arguments: Any) -> Net:
    stem = [nn.Conv2D(16, 3, padding=1, use_bias=False), nn.BatchNorm()]
    blocks = [block_v1(16, 1, 16, **arguments), block_v1(32, 2, 16, **arguments)]
    return sequence(*stem, *blocks, nn.GlobalAvgPool2D(), nn.Dense(5))


class ResNetV1(nn.HybridBlock):
    """BMXNet-v2's binary ResNet-18 for small images: stages are blocks of their own there."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        channels = (64, 64, 128, 256, 512)
        stages = [
            sequence(Residual(after, 1 + (stage > 0), stage > 0), Residual(after, 1, False))
            for stage, after in enumerate(channels[1:])
        ]
        stem = [nn.BatchNorm(scale=False, epsilon=2e-5), nn.Conv2D(64, 3, padding=1, use_bias=False)]
        tail = [nn.Activation("relu"), nn.GlobalAvgPool2D(), nn.Flatten()]
        with self.name_scope():
            self.features = sequence(*stem, *stages, *tail, prefix="")
            self.output = nn.Dense(classes)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.output(self.features(x))


class Dense(nn.HybridBlock):
    """BMXNet-v2's dense block, or with ``improve`` the improvement block; both join raw counts."""

    def __init__(self, growth: int, improve: bool) -> None:
        super().__init__()
        self._growth, self._improve = growth, improve
        with self.name_scope():
            conv = bmxnet.QConv2D(growth, 3, padding=1)
            self.body = sequence(nn.BatchNorm(), bmxnet.QActivation(), conv, prefix="")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.body(x)
        if not self._improve:
            return F.concat(x, y, dim=1)
        kept, last = (
            F.slice_axis(x, axis=1, begin=begin, end=end)
            for begin, end in ((0, -self._growth), (-self._growth, None))
        )
        return F.concat(kept, last + y, dim=1)


def theirs_melius() -> Net:
    blocks = [Dense(8, improve) for improve in (False, True, False, True)]
    return sequence(nn.Conv2D(16, 3, padding=1), *blocks, nn.BatchNorm(), nn.MaxPool2D(2), nn.Dense(5))


def ours_melius() -> Net:
    with defaults(pad_value=-1):
        blocks = [
            block(8, in_channels=channels)
            for block, channels in (
                (BinaryDenseLayer, 16),
                (ImprovementBlock, 24),
                (BinaryDenseLayer, 24),
                (ImprovementBlock, 32),
            )
        ]
    return sequence(nn.Conv2D(16, 3, padding=1), *blocks, nn.BatchNorm(), nn.MaxPool2D(2), nn.Dense(5))


PAIRS = {
    "lenet": (lenet_of_bmxnet, lambda: get_model("lenet"), (4, 1, 28, 28)),
    "pooled": (theirs_pooled, ours_pooled, SHAPE),
    "pooled, popcount": (theirs_pooled, lambda: ours_pooled(output_range="popcount"), SHAPE),
    "residual": (theirs_residual, lambda: ours_residual(output_range="dot"), SHAPE),
    "residual, popcount": (theirs_residual, ours_residual, SHAPE),
    "zoo": (
        lambda: ResNetV1(10),
        lambda: get_model("bmxnet_resnet18_v1", classes=10, thumbnail=True),
        (1, 3, 16, 16),
    ),
    "melius": (theirs_melius, ours_melius, SHAPE),
}


def save(net: Net, form: str, folder: Path) -> str:
    if form == "save_parameters":
        path = str(folder / "net.params")
        net.save_parameters(path)
    elif form == "export of 1.5":
        path = str(folder / "net-0001.params")
        save_as_export_of_1_5(net, path)
    else:
        net.export(str(folder / "net"), epoch=1)
        path = str(folder / "net-0001.params")
    return path


def images(shape: tuple[int, ...], seed: int = 7) -> mx.nd.NDArray:
    return mx.nd.array(np.random.RandomState(seed).normal(0, 1, shape))


def assert_equal(ours: Net, theirs: Net, shape: tuple[int, ...]) -> None:
    """The same output, and the same signs after every norm."""
    x = images((8, *shape[1:]))
    output, norms = norm_outputs(ours, x)
    expected, expected_norms = norm_outputs(theirs, x)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(output, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
    assert len(norms) == len(expected_norms) > 0
    for values, wanted in zip(norms, expected_norms):
        largest = np.abs(wanted).max(
            axis=tuple(axis for axis in range(wanted.ndim) if axis != 1), keepdims=True
        )
        assert np.all(np.abs(values - wanted) <= TOLERANCE * largest)
        np.testing.assert_array_equal(values < 0, wanted < 0)
        assert 0.02 < np.mean(wanted < 0) < 0.98


# What today's `export` writes is ordered as the net is called, and there the residual nets differ.
CASES = [(pair, form) for pair in PAIRS for form in ("save_parameters", "export of 1.5")]
CASES.remove(("zoo", "export of 1.5"))  # it takes long
CASES += [(pair, "export") for pair in ("pooled", "melius")]


@pytest.mark.parametrize(("pair", "form"), CASES)
def test_outputs_and_signs_are_those_of_bmxnet(pair: str, form: str, tmp_path: Path) -> None:
    make_theirs, make_ours, shape = PAIRS[pair]
    theirs = settle(make_theirs(), shape, seed=1)
    theirs.hybridize()
    theirs(images(shape))
    path = save(theirs, form, tmp_path)
    theirs.hybridize(False)
    ours = make_ours()
    load_bmxnet(ours, path)
    assert_equal(ours, theirs, shape)
    again = make_ours()
    ours.save_parameters(str(tmp_path / "ours.params"))
    again.load_parameters(str(tmp_path / "ours.params"))
    x = images(shape)
    np.testing.assert_array_equal(again(x).asnumpy(), ours(x).asnumpy())


def scaled(sign: Callable[[], Net], conv: Callable[..., Net]) -> Net:
    return sequence(
        *(nn.Conv2D(16, 3, use_bias=False), nn.BatchNorm(), sign(), conv(24, 3, padding=1), nn.BatchNorm()),
        *(nn.GlobalAvgPool2D(), nn.Dense(5)),
    )


@pytest.mark.parametrize("scaling", ["channel", "xnor"])
def test_scaled_layers(scaling: str, tmp_path: Path) -> None:
    def theirs_conv(*args: Any, **kwargs: Any) -> Net:
        if scaling == "xnor":
            return bmxnet.ScaledBinaryConv(*args, **kwargs)
        return bmxnet.QConv2D(*args, apply_scaling=True, **kwargs)

    def ours_conv(*args: Any, **kwargs: Any) -> Net:
        return QConv2D(*args, use_bias=False, scaling=scaling, pad_value=-1, **kwargs)

    # ScaledBinaryConv takes the sign itself.
    sign = nn.HybridSequential if scaling == "xnor" else bmxnet.QActivation
    theirs = settle(scaled(sign, theirs_conv), SHAPE, seed=2)
    path = save(theirs, "save_parameters", tmp_path)
    ours = scaled(nn.HybridSequential, ours_conv)
    load_bmxnet(ours, path)
    assert_equal(ours, theirs, SHAPE)


def test_layers_that_give_dot_products(tmp_path: Path) -> None:
    def make() -> Net:
        return scaled(
            bmxnet.QActivation, lambda *args, **kwargs: bmxnet.QConv2D(*args, no_offset=True, **kwargs)
        )

    theirs = settle(make(), SHAPE, seed=3)
    path = save(theirs, "save_parameters", tmp_path)
    for output_range in ("dot", "popcount"):
        with defaults(pad_value=-1, output_range=output_range):
            ours = scaled(
                nn.HybridSequential, lambda *args, **kwargs: QConv2D(*args, use_bias=False, **kwargs)
            )
        load_bmxnet(ours, path, output_range="dot")
        assert_equal(ours, theirs, SHAPE)


def test_a_net_that_was_hybridized_before_it_ran_lost_its_offsets(tmp_path: Path) -> None:
    theirs = theirs_pooled()
    theirs.initialize()
    theirs.hybridize()
    theirs(images(SHAPE))
    theirs.hybridize(False)
    for block in theirs._children.values():
        block.count = lambda h, weight: h / 2  # what the graph has computed
    settle(theirs, SHAPE, seed=4)
    theirs.hybridize()
    theirs(images(SHAPE))
    path = save(theirs, "export", tmp_path)
    theirs.hybridize(False)
    ours = ours_pooled()
    load_bmxnet(ours, path, output_range="half")
    assert_equal(ours, theirs, SHAPE)
    edit_symbol(tmp_path, lambda nodes: insert_zero_offsets(nodes))
    with pytest.raises(ValueError, match=r"give dot / 2 here.*give output_range='half'"):
        load_bmxnet(ours_pooled(), path)


def edit_symbol(folder: Path, edit: Callable[[list[dict[str, Any]]], None]) -> None:
    path = folder / "net-symbol.json"
    symbol = json.loads(path.read_text())
    edit(symbol["nodes"])
    path.write_text(json.dumps(symbol))


def insert_zero_offsets(nodes: list[dict[str, Any]]) -> None:
    """h / 2 becomes (h + 0) / 2: the first node in front of a division is the flag."""
    halves = next(node for node in nodes if node["op"] == "_div_scalar")
    source = nodes[halves["inputs"][0][0]]
    nodes.append({**source, "name": "flag_h"})
    nodes.append(
        {
            "op": "_plus_scalar",
            "name": "flag_plus",
            "attrs": {"scalar": "0"},
            "inputs": [[len(nodes) - 1, 0, 0]],
        }
    )
    halves["inputs"] = [[len(nodes) - 1, 0, 0]]


@pytest.mark.parametrize("state", ["deferred", "initialized", "hybridized"])
def test_the_net_may_be_initialized(state: str, tmp_path: Path) -> None:
    theirs = settle(theirs_pooled(), SHAPE, seed=1)
    path = save(theirs, "save_parameters", tmp_path)
    ours = ours_pooled()
    ours.initialize()
    if state == "hybridized":
        ours.hybridize()
    if state != "deferred":
        ours(images(SHAPE))
    load_bmxnet(ours, Path(path), ctx=mx.cpu())
    ours.hybridize(False)
    assert_equal(ours, theirs, SHAPE)


def test_the_packed_file_gives_the_same(tmp_path: Path) -> None:
    theirs = settle(theirs_pooled(), SHAPE, seed=1)
    ours = ours_pooled()
    load_bmxnet(ours, save(theirs, "save_parameters", tmp_path))
    bmx.export(ours, str(tmp_path / "net.bmx"), (1, *SHAPE[1:]))
    x = images(SHAPE)
    expected = theirs(x).asnumpy()
    packed = bmx.runtime.Model(str(tmp_path / "net.bmx"))(x.asnumpy())
    np.testing.assert_allclose(packed, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


# Errors: each says what was found and what to do, and leaves the net as it was.


@pytest.fixture(scope="module")
def pooled_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    net = settle(theirs_pooled(), SHAPE, seed=1)
    return save(net, "save_parameters", tmp_path_factory.mktemp("pooled"))


def with_head(*head: Net, **arguments: Any) -> Net:
    """A binary layer, and what reads it."""
    conv = QConv2D(8, 3, padding=1, use_bias=False, pad_value=-1, in_channels=3, **arguments)
    return sequence(conv, *head)


def two_bit() -> Net:
    return sequence(QConv2D(8, 3, use_bias=False, bits=2, input_bits=2, in_channels=3))


def no_padding_of_minus_one() -> Net:
    with defaults(pad_value=0):
        return sequence(QConv2D(8, 3, padding=1, use_bias=False, in_channels=3))


REFUSED = {
    "k-bit": (two_bit, r"layer '0' \(QConv2D\) has .*one bit"),
    "padding": (
        no_padding_of_minus_one,
        r"pads with 0, version 2 of BMXNet with -1; build the net inside 'with .*pad_value=-1\)",
    ),
    "no norm": (lambda: with_head(), r"'0' has another range in BMXNet, and the net returns it before"),
    "relu": (
        lambda: with_head(nn.Activation("relu"), nn.BatchNorm()),
        r"'0' has another range in BMXNet, and Activation .* reads it .*output_range='popcount'",
    ),
    "padded average": (
        lambda: with_head(nn.AvgPool2D(3, padding=1), nn.BatchNorm()),
        r"Pooling .* reads it before a batch norm",
    ),
    "dense": (lambda: with_head(nn.Dense(4)), "FullyConnected .* reads it before a batch norm"),
    "tensor scaling": (lambda: with_head(scaling="tensor"), "scaling='tensor'.*cannot be loaded"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nets_that_cannot_be_made_equal_are_refused(case: str, tmp_path: Path) -> None:
    make, message = REFUSED[case]
    net = make()
    net.initialize()
    net(images(SHAPE))
    path = save(net, "save_parameters", tmp_path)
    before = {name: value.data().asnumpy() for name, value in net.collect_params().items()}
    with pytest.raises(ValueError, match=message):
        load_bmxnet(net, path)
    for name, value in net.collect_params().items():
        np.testing.assert_array_equal(value.data().asnumpy(), before[name])


def test_a_sum_of_two_ranges_is_refused(tmp_path: Path) -> None:
    class Sum(nn.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.conv = QConv2D(3, 3, padding=1, use_bias=False, pad_value=-1)
            self.norm = nn.BatchNorm()

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return self.norm(x + self.conv(x))

    net = Sum()
    net.initialize()
    net(images(SHAPE))
    path = save(net, "save_parameters", tmp_path)
    with pytest.raises(ValueError, match=r"'conv' has another range .* elemwise_add .* reads it"):
        load_bmxnet(net, path)


def test_files_of_other_nets_are_refused(pooled_file: str, tmp_path: Path) -> None:
    few = sequence(*[ours_pooled()[i] for i in range(4)])
    with pytest.raises(ValueError, match=r"has 9 layers with parameters, the net has 3; .*The file: 0, 1, 3"):
        load_bmxnet(few, pooled_file)
    wide = pooled(
        lambda channels, *args, **kwargs: QConv2D(
            channels + 2, *args, use_bias=False, pad_value=-1, **kwargs
        ),
        QDense,
        nn.HybridSequential,
    )
    with pytest.raises(
        ValueError, match=r"layer 3 of .*, '3', holds weight \(32, 16, 3, 3\), but .*\(34, 0, 3, 3\)"
    ):
        load_bmxnet(wide, pooled_file)
    with defaults(pad_value=-1):
        biased = pooled(QConv2D, QDense, nn.HybridSequential)
    with pytest.raises(ValueError, match=r"takes weight .*, bias .*; give the layer use_bias=False"):
        load_bmxnet(biased, pooled_file)
    text = tmp_path / "text.params"
    text.write_text("no parameters")
    with pytest.raises(ValueError, match="this is not a parameter file of MXNet"):
        load_bmxnet(ours_pooled(), text)
    with pytest.raises(ValueError, match="version is 3; expected 1 or 2"):
        load_bmxnet(ours_pooled(), pooled_file, version=3)
    with pytest.raises(ValueError, match="'sum'; expected one of popcount, half, dot"):
        load_bmxnet(ours_pooled(), pooled_file, output_range="sum")


def test_packed_files_are_recognized(pooled_file: str, tmp_path: Path) -> None:
    arrays = mx.nd.load(pooled_file)
    packed = tmp_path / "binarized.params"
    size = arrays["7.weight"].size // 32
    mx.nd.save(str(packed), {**arrays, "7.weight": mx.nd.zeros((size,))})
    ours = ours_pooled()
    ours.initialize()
    ours(images(SHAPE))
    with pytest.raises(
        ValueError, match="model-converter had packed it; load the file that it was converted"
    ):
        load_bmxnet(ours, packed)
    mx.nd.save(str(packed), {**arrays, "7.weight": mx.nd.zeros((size,), dtype="float64")})
    with pytest.raises(ValueError, match=r"'7\.weight' is float64; expected float32; .*model-converter"):
        load_bmxnet(ours_pooled(), packed)


def test_names_say_what_the_order_does_not(pooled_file: str, tmp_path: Path) -> None:
    theirs = settle(theirs_pooled(), SHAPE, seed=1)
    arrays = {f"layer{name}": array for name, array in reversed(list(mx.nd.load(pooled_file).items()))}
    path = str(tmp_path / "reversed.params")
    mx.nd.save(path, arrays)
    with pytest.raises(ValueError, match="layer 1 of"):
        load_bmxnet(ours_pooled(), path)
    own = {name.rpartition(".")[0] for name in mx.nd.load(pooled_file)}
    ours = ours_pooled()
    load_bmxnet(ours, path, names={name: f"layer{name}" for name in own})
    assert_equal(ours, theirs, SHAPE)
    with pytest.raises(ValueError, match="names should give every layer of the net one of the file"):
        load_bmxnet(ours_pooled(), path, names={"0": "layer0"})
