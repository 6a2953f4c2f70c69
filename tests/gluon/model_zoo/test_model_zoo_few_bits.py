"""Behavior of the nets of BMXNet, BNN, XNOR-Net, HORQ, WRPN, ABC-Net and DoReFa-Net."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn as float_nn

import bmx
from bmx.gluon import model_zoo
from bmx.gluon.model_zoo.bmxnet_resnet import BlockV2, block_v1
from bmx.gluon.model_zoo.dorefanet import UnitClip
from bmx.gluon.model_zoo.wrpn import wrpn_block
from bmx.gluon.nn.quantizers.base import quantized_layers

SEED = 0
# As small as the nets get: their names, arguments, and the input's edge if it is not the net's own.
SMALL: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "bmxnet_v1_thumbnail": ("bmxnet_resnet18_v1", {"thumbnail": True}, 16),
    "bmxnet_v2": ("bmxnet_resnet18_v2", {"initial_layers": "grouped_stem"}, 32),
    "bnn_mlp": ("bnn_mlp", {"units": 64}, None),
    "bnn_mlp_real_image": ("bnn_mlp", {"units": 64, "image_quantizer": "identity"}, None),
    "bnn_convnet": ("bnn_svhn", {"channels": (16, 32, 32)}, None),
    "xnor": ("xnor_resnet18", {"thumbnail": True}, 16),
    "bwn": ("bwn_resnet18", {}, 32),
    "horq_lenet": ("horq_lenet", {}, None),
    "horq_convnet": ("horq_convnet", {"channels": (8, 16, 16)}, None),
    "horq_convnet_sample": ("horq_convnet", {"channels": (8, 16, 16), "beta": "sample", "order": 3}, None),
    "wrpn": ("wrpn_resnet34", {"layers": 18, "thumbnail": True}, 16),
    "wrpn_one_bit": ("wrpn_resnet34", {"layers": 18, "bits": 1, "input_bits": 1}, 32),
    "abc": ("abc_resnet18", {"weight_terms": 2, "input_terms": 2}, 32),
}
# What a packed file is made of in the time that tests have; the rest differ from these in sizes only.
EXPORTED = ("bmxnet_v1_thumbnail", "bmxnet_v2", "bnn_convnet", "bnn_mlp", "horq_lenet", "xnor")


def build(key: str) -> tuple[Any, mx.nd.NDArray]:
    """A small net with 7 classes, and images."""
    name, arguments, size = SMALL[key]
    print(f"{name} seed {SEED}")
    mx.random.seed(SEED)
    net = model_zoo.get_model(name, classes=7, **arguments)
    net.initialize(mx.init.Xavier())
    channels, height, width = model_zoo.input_shape(name)
    return net, mx.nd.random.uniform(-1, 1, (4, channels, size or height, size or width))


@pytest.mark.parametrize("key", SMALL)
def test_runs_trains_and_is_the_same_hybridized(key: str, tmp_path: Path) -> None:
    net, images = build(key)
    expected = net(images)
    net.hybridize()
    assert expected.shape == (4, 7)
    # Another order of float32 sums; a sign of a number within that of 0 would show as far more.
    np.testing.assert_allclose(net(images).asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-4)
    with autograd.record():
        output = net(images)
    output.backward(mx.nd.random.normal(shape=output.shape))
    for parameter in net.collect_params(".*(weight|shift.|step.)$").values():
        assert float(parameter.grad().abs().sum().asscalar()) > 0, parameter.name
    if key not in EXPORTED:
        return
    settle_statistics(net, images)
    report = bmx.export(net, str(tmp_path / "net.bmx"), (1, *images.shape[1:]), sample=images.asnumpy())
    assert report.passed


def settle_statistics(net: Any, images: mx.nd.NDArray) -> None:
    """Running statistics of these images, so that signs are of both kinds, and gammas of both signs."""
    random = np.random.RandomState(SEED)
    norms: list[Any] = []
    net.apply(lambda block: norms.append(block) if isinstance(block, float_nn.BatchNorm) else None)
    for norm in norms:
        norm.gamma.set_data(mx.nd.array(random.uniform(0.5, 1.5, norm.gamma.shape)))
        norm.beta.set_data(mx.nd.array(random.uniform(-0.3, 0.3, norm.beta.shape)))
        norm._kwargs["momentum"] = 0.0
    net.hybridize(False)
    with autograd.record():
        output = net(images)
    output.backward()
    for norm in norms[1:]:
        flipped = random.choice([-1, 1], norm.gamma.shape, p=[0.2, 0.8])
        if norm._kwargs["fix_gamma"] is False:
            norm.gamma.set_data(norm.gamma.data() * mx.nd.array(flipped))
    net.hybridize()


def sign(x: mx.nd.NDArray) -> mx.nd.NDArray:
    """-1 or +1."""
    return 1 - 2 * (x < 0)


def popcount_conv(x: mx.nd.NDArray, weight: mx.nd.NDArray, strides: int) -> mx.nd.NDArray:
    """BMXNet-v2's layer: signs padded with -1, and (dot + K) / 2."""
    edge = weight.shape[2] // 2
    padding = (0, 0, 0, 0, edge, edge, edge, edge)
    x = mx.nd.pad(sign(x), mode="constant", pad_width=padding, constant_value=-1)
    options = {"kernel": weight.shape[2:], "stride": (strides, strides), "no_bias": True}
    dot = mx.nd.Convolution(x, sign(weight), num_filter=weight.shape[0], **options)
    return (dot + int(np.prod(weight.shape[1:]))) / 2


def initialized(block: Any, x: mx.nd.NDArray) -> list[mx.nd.NDArray]:
    """The block's latent weights in the order of its layers."""
    block.initialize(mx.init.Uniform(1))
    block(x)
    settle_statistics(block, x)
    return [layer.weight.data() for layer in quantized_layers(block)]


@pytest.mark.parametrize("version", [1, 2])
def test_bmxnet_blocks_are_what_its_layers_compose(version: int) -> None:
    mx.random.seed(SEED)
    x = mx.nd.random.normal(shape=(2, 6, 9, 8))
    block = (block_v1 if version == 1 else BlockV2)(10, 2, 6)
    first, second, of_shortcut = initialized(block, x)
    if version == 1:
        y = block.body[1](popcount_conv(x, first, 2))
        y = block.body[3](popcount_conv(y, second, 1))
        expected = y + block.shortcut[1](popcount_conv(x, of_shortcut, 2))
    else:
        b = block.norm(x)
        y = popcount_conv(block.body[1](popcount_conv(b, first, 2)), second, 1)
        expected = y + popcount_conv(b, of_shortcut, 2)
    np.testing.assert_allclose(block(x).asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-4)


def test_wrpn_block_is_what_the_paper_says() -> None:
    mx.random.seed(SEED)
    x = mx.nd.random.normal(shape=(2, 6, 9, 8))
    block = wrpn_block(10, 2, 6, bits=4, input_bits=3)

    def conv(x: mx.nd.NDArray, weight: mx.nd.NDArray, strides: int) -> mx.nd.NDArray:
        inputs = mx.nd.round(x.clip(0, 1) * 7) / 7
        weight = mx.nd.round(weight.clip(-1, 1) * 7) / 7
        edge = weight.shape[2] // 2
        options = {"kernel": weight.shape[2:], "stride": (strides, strides), "pad": (edge, edge)}
        return mx.nd.Convolution(inputs, weight, num_filter=weight.shape[0], no_bias=True, **options)

    first, second, of_shortcut = initialized(block, x)
    y = block.body[3](conv(block.body[1](conv(x, first, 2)), second, 1))
    expected = mx.nd.relu(y + block.shortcut[1](conv(x, of_shortcut, 2)))
    np.testing.assert_allclose(block(x).asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-4)


MAPS = ("Convolution", "QConvolution", "Pooling")


# Edges of what the convolutions and pools of AlexNet give.
@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("xnor_alexnet", (55, 27, 27, 13, 13, 13, 13, 6, 1, 1)),
        ("wrpn_alexnet", (55, 27, 27, 13, 13, 13, 13, 6, 1, 1)),
        ("dorefanet", (54, 54, 27, 27, 14, 14, 14, 6)),
    ],
)
def test_shapes_of_alexnets(name: str, edges: tuple[int, ...]) -> None:
    symbol = model_zoo.get_model(name)(mx.sym.var("data"))
    layers = symbol.get_internals()
    _, shapes, _ = layers.infer_shape(data=(2, 3, 224, 224))
    outputs = dict(zip(layers.list_outputs(), shapes))
    nodes = [node for node in json.loads(symbol.tojson())["nodes"] if node["op"] in MAPS]
    maps = [outputs[f"{node['name']}_output"] for node in nodes]
    # K of XNOR-Net is a pool too, of one channel.
    found = [shape[2] for shape in maps if shape[1] != 1]
    assert tuple(found) == edges
    assert outputs[symbol.list_outputs()[0]] == (2, 1000)


def test_unit_clip() -> None:
    clip = UnitClip()
    x = mx.nd.array([-1, 0, 0.25, 1, 2])
    x.attach_grad()
    with autograd.record():
        y = clip(x)
    y.backward()
    assert y.asnumpy().tolist() == [0, 0, 0.25, 1, 1]
    assert x.grad.asnumpy().tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bmxnet_resnet18_v1", {"output_range": "dot", "pad_value": 0}),
        ("bmxnet_resnet34_v2", {"scaling": "channel"}),
        ("bmxnet_resnet18_v2", {"bits": 2, "input_bits": 2}),
        ("bnn_mlp", {"scaling": "channel"}),
        ("bnn_cifar", {"input_quantizer": "approx_sign"}),
        ("xnor_resnet18", {"scaling": "channel"}),
        ("xnor_alexnet", {"scaling": "channel"}),
        ("bwn_resnet18", {"scaling": "channel_detached"}),
        ("horq_lenet", {"scaling": None}),
        ("horq_convnet", {"weight_quantizer": "approx_sign"}),
        ("wrpn_resnet34", {"weight_quantizer": "lsq_weight"}),
        ("wrpn_alexnet", {"bits": 1, "input_bits": 1}),
        ("abc_resnet34", {"weight_quantizer": "det_sign"}),
        ("dorefanet", {"input_bits": 4}),
    ],
)
def test_arguments_reach_the_quantized_layers(name: str, arguments: dict[str, Any]) -> None:
    def settings(**given: Any) -> list[str]:
        layers = list(quantized_layers(model_zoo.get_model(name, **given)))
        return [repr(layer.settings) for layer in layers]

    plain, changed = settings(), settings(**arguments)
    kept = 1 if arguments.get("input_quantizer") else 0  # BNN's image has a quantizer of its own
    assert len(plain) == len(changed)
    assert all(a != b for a, b in zip(plain[kept:], changed[kept:]))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("bmxnet_resnet18_v1", {"version": 3}, "version: expected 1 or 2, found 3"),
        ("bmxnet_resnet18_v1", {"layers": 50}, "layers: expected one of 18, 34, found 50"),
        ("wrpn_resnet34", {"widen": 0}, "wrpn_resnet34: expected widen an integer of at least 1, found 0"),
        ("wrpn_alexnet", {"widen": 1.5}, "wrpn_alexnet: expected widen an integer of at least 1, found 1.5"),
        ("wrpn_alexnet", {"bits": 9}, "bits"),
        ("abc_resnet18", {"weight_terms": 9}, "terms"),
        ("xnor_resnet18", {"initial_layers": "vgg"}, "initial_layers: expected one of imagenet"),
    ],
)
def test_bad_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model_zoo.get_model(name, **arguments)
