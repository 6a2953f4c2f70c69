"""Group-Net, deep Bi-Real Net, self-binarizing nets, MobileNet and BoolNet: they run, train and say no."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn as float_nn

import bmx
from bmx.gluon import library
from bmx.gluon.model_zoo import get_model
from bmx.gluon.nn import BinaryBatchNorm, PReLU, QConv2D, blocks
from bmx.gluon.schedule import set_hyperparameter

SEED = 79
# name, arguments, size of the image
CASES = {
    "groupnet18": ({"bases": 2, "thumbnail": True}, 8),
    "groupnet50": ({"bases": 1, "thumbnail": True}, 16),
    "birealnet50": ({"initial_layers": "grouped_stem"}, 64),
    "mobilenet0.25": ({}, 32),
    "selfbin_vgg16": ({}, 32),
    "boolnet": ({}, 64),
}


def made(name, **arguments):
    mx.random.seed(SEED)
    net = get_model(name, classes=7, **{**CASES[name][0], **arguments})
    net.initialize(mx.init.Xavier())
    return net


def images(name):
    size = CASES[name][1]
    return mx.nd.array(np.random.default_rng(SEED).uniform(size=(2, 3, size, size)))


@pytest.mark.parametrize("name", CASES)
def test_forward_backward_and_hybridize(name):
    net, x = made(name), images(name)
    expected = net(x).asnumpy()
    assert expected.shape == (2, 7)
    net.hybridize()
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=1e-3, atol=1e-3)
    with autograd.record():
        output = net(x)
    output.backward(mx.nd.random.normal(shape=output.shape))
    for key, parameter in net.collect_params(".*(weight|mixture|gate|gamma)$").items():
        if parameter.grad_req != "null":
            gradient = parameter.grad().asnumpy()
            assert np.isfinite(gradient).all(), key
            assert gradient.any(), key


def test_further_arguments_reach_the_binary_layers():
    for name in ("groupnet18", "groupnet50", "birealnet50", "selfbin_vgg16", "boolnet"):
        net = get_model(name, weight_quantizer="swish_sign", **CASES[name][0])
        found = []
        net.apply(lambda block, found=found: found.append(block) if isinstance(block, QConv2D) else None)
        assert found
        assert {repr(layer.quantizers[-1]) for layer in found} == {"SwishSign(beta=5.0)"}, name


def test_sharpened_nets_are_nets_of_signs():
    """With a large nu all layers but the norms' statistics are as they are at inference."""
    net, x = made("selfbin_vgg16"), images("selfbin_vgg16")
    assert set_hyperparameter(net, "nu", 1e6) > 0
    layer, norm = net[2], net[3]
    bits = mx.nd.array(np.sign(np.random.default_rng(SEED).normal(size=(2, 64, 8, 8))))
    with autograd.record():
        soft = layer(bits)
        activation = norm(soft)
    np.testing.assert_allclose(soft.asnumpy(), layer(bits).asnumpy(), atol=1e-2)
    assert (abs(activation.asnumpy()) > 0.99).mean() > 0.99
    scores = net(x).asnumpy()
    np.testing.assert_array_equal(scores, np.round(scores))


def test_thresholds_have_eight_bits_or_as_many_as_they_need():
    def bits(name, **arguments):
        return [block._bits for block in get_model(name, **arguments) if isinstance(block, BinaryBatchNorm)]

    # Sums of 3 * 9 pixels of up to 255 lie between -6885 and 6885; a threshold may be one beyond.
    assert bits("selfbin_vgg16") == [14, *[8] * 14]
    assert bits("selfbin_alexnet")[0] == 18
    exact = bits("selfbin_vgg16", threshold_bits=None)
    # 9 * 64, 9 * 128, 9 * 256, 9 * 512 and 512 summands
    assert exact == [14, 11, 11, 12, 12, 13, 13, 13, *[14] * 5, 11, 11]


def test_boolnet_is_made_of_bits():
    net, x = made("boolnet"), images("boolnet")
    values = {}
    for block in net.features:
        x = block(x)
        values[type(block).__name__, x.shape[1:]] = np.unique(x.asnumpy())
    of_blocks = {shape: found for (name, shape), found in values.items() if name == "BoolNetBlock"}
    *inner, last = of_blocks.items()
    for shape, found in [*inner, ((256, 16, 16), values["GhostNormSign", (256, 16, 16)])]:
        assert set(found) == {-1, 1}, shape
    # Four slices of twice the channels, but for the last block, which is real.
    assert [shape[0] for shape, _ in inner] == [512, 1024, 2048, 4096]
    assert last[0] == (512, 2, 2)
    assert len(last[1]) > 2


def test_weights_of_boolnet_become_signs_as_they_cool():
    net = made("boolnet", slices=2)
    assert set_hyperparameter(net, "temperature", 0.0) > 0
    x = images("boolnet")
    layer = net.features[2].conv1
    bits = mx.nd.array(np.sign(np.random.default_rng(SEED).normal(size=(2, 128, 8, 8))))
    with autograd.record():
        soft = layer(bits)
    np.testing.assert_allclose(soft.asnumpy(), layer(bits).asnumpy(), rtol=1e-5, atol=1e-5)
    assert net(x).shape == (2, 7)


def bireal_chain():
    chain = blocks.Chain()
    chain.add(
        blocks.BiRealBottleneck(32, 1, 16, entry=True),
        blocks.BiRealBottleneck(64, 2, 32),
        blocks.BiRealBottleneck(64, 1, 64),
    )
    return [chain], 64


def group_chain():
    stage = blocks.GroupNetStage()
    stage.add(
        blocks.GroupNetBottleneck(32, 1, 16, bases=2, gated=False),
        blocks.GroupNetBottleneck(64, 2, 32, bases=2),
        blocks.GroupNetBottleneck(64, 1, 64, bases=2),
    )
    return [stage], 64


def bool_chain():
    parts = [blocks.GhostNormSign(16), blocks.BoolNetBlock(16, 1, 16), blocks.BoolNetBlock(16, 1, 32)]
    parts += [blocks.BoolNetBlock(32, 2, 32), blocks.BoolNetBlock(32, 1, 64, last=True), PReLU(32)]
    return parts, 32


@pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")
@pytest.mark.parametrize("chain", [bireal_chain, group_chain, bool_chain])
def test_exported_and_verified(chain, tmp_path):
    parts, channels = chain()
    net = float_nn.HybridSequential()
    net.add(blocks.ThumbnailStem(16, in_channels=3), *parts, float_nn.GlobalAvgPool2D(), float_nn.Flatten())
    net.add(float_nn.Dense(7, in_units=channels))
    net.initialize(mx.init.Xavier())
    rng = np.random.default_rng(SEED)
    for key, parameter in net.collect_params().items():
        if key.endswith(("gamma", "running_var")):
            parameter.set_data(mx.nd.array(rng.uniform(0.5, 1.5, parameter.shape)))
        elif key.endswith(("beta", "running_mean")):
            parameter.set_data(mx.nd.array(rng.uniform(-0.5, 0.5, parameter.shape)))
    report = bmx.export(net, str(tmp_path / "net.bmx"), (1, 3, 10, 12))
    assert report.passed


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("groupnet18", {"layers": 152}, "layers: expected one of 18, 34, 50, found 152"),
        ("groupnet18", {"bases": 0}, "bases of at least 1, found 0"),
        ("birealnet50", {"layers": 101}, "layers: expected one of 18, 34, 50, 152, found 101"),
        ("birealnet50", {"initial_layers": "round"}, "found 'round'"),
        ("boolnet", {"layers": 50}, "layers: expected one of 18, 34, found 50"),
        ("boolnet", {"slices": 3}, "slices: expected 1 or an even number, found 3"),
        ("mobilenet1.0", {"multiplier": 0}, "multiplier of at least 1/32, found 0"),
    ],
)
def test_arguments_that_do_not_fit(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        get_model(name, **arguments)
