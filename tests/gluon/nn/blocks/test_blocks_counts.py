"""Nets assembled of the blocks have the parameters and multiplications that are published for them.

Parameters are counted without running statistics, multiplications in convolutions only (dense layers of the
all-binary net aside), as the papers of BinaryDenseNet and MeliusNet do.
"""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn
from bmx.gluon.nn import blocks


def row(*parts):
    net = float_nn.HybridSequential()
    net.add(*parts)
    return net


def head(channels, *front, classes=1000):
    return [*front, float_nn.GlobalAvgPool2D(), float_nn.Dense(classes, in_units=channels)]


def norm(channels, **arguments):
    return float_nn.BatchNorm(in_channels=channels, **arguments)


def relu():
    return float_nn.Activation("relu")


def residual_18(block, per_stage=4):
    """The blocks of ResNet-18, each twice."""
    parts, inputs = [], 64
    for stage, channels in enumerate((64, 128, 256, 512)):
        for number in range(per_stage):
            parts.append(block(channels, 2 if stage and not number else 1, in_channels=inputs))
            inputs = channels
    return parts


def bireal_18():
    stem = blocks.ImageStem(64, activation=None, in_channels=3)
    return row(stem, *residual_18(blocks.BiRealBlock), *head(512))


def resnet_e_18(stem):
    front = [norm(3, scale=False), stem, norm(64)] if isinstance(stem, blocks.ImageStem) else [stem]
    return row(*front, *residual_18(blocks.ResNetEBlock), *head(512, relu()))


def react_resnet_18():
    stem = blocks.ImageStem(64, activation=None, in_channels=3)
    return row(stem, *residual_18(blocks.ReActResNetBlock), *head(512))


def real_to_binary_18():
    stem = blocks.ImageStem(64, activation=nn.PReLU(64), in_channels=3)
    return row(stem, *residual_18(blocks.RealToBinaryBlock), *head(512))


def groupnet_18():
    stage = blocks.GroupNetStage()
    channels = [64, 64, 128, 128, 256, 256, 512, 512]
    for number, (inputs, outputs) in enumerate(zip([64, *channels], channels)):
        strides = 1 if inputs == outputs else 2
        stage.add(blocks.GroupNetBlock(outputs, strides, inputs, bases=5, gated=number >= 2))
    stem = blocks.ImageStem(64, norm_last=True, use_bias=True, in_channels=3)
    return row(stem, stage, *head(512))


def dense_net(layer, counts, transitions, stem, groups=1):
    parts, channels = [stem], 64
    for stage, count in enumerate(counts):
        for _ in range(count):
            parts.append(layer(64, channels))
            channels += 64
        if stage < len(transitions):
            shuffle = 16 if groups > 1 else 1
            fewer = transitions[stage]
            parts.append(blocks.Transition(fewer, channels, groups=groups, shuffle_groups=shuffle))
            channels = fewer
    return row(*parts, *head(channels, norm(channels), relu()))


def binarydensenet(counts, reductions):
    channels, transitions = 64, []
    for count, reduction in zip(counts, reductions):
        channels = blocks.transition_channels(channels + 64 * count, reduction)
        transitions.append(channels)
    return dense_net(blocks.BinaryDenseLayer, counts, transitions, blocks.ImageStem(in_channels=3))


def meliusnet(counts, transitions, groups=1):
    return dense_net(blocks.MeliusUnit, counts, transitions, blocks.GroupedStem(in_channels=3), groups)


def mobile(block, channels, classes=True):
    """ReActNet-A and BNext: strides where the channels double, but for the first doubling."""
    parts = [blocks.ReActStem(channels[0], in_channels=3)]
    for number, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        strides = 2 if inputs != outputs and number else 1
        parts.append(block(outputs, strides, in_channels=inputs, number=number))
    return row(*parts, *head(channels[-1]))


def reactnet_a():
    channels = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    return mobile(lambda *a, number, **k: blocks.ReActBlock(*a, **k), channels)


def bnext(first, repeats):
    channels = [first, 2 * first]
    for stage, count in enumerate(repeats):
        channels += [first * 2 ** (stage + 2)] * count
    return mobile(lambda *a, number, **k: blocks.BNextBlock(*a, attention=number % 2 == 0, **k), channels)


def quicknet(widths, counts):
    parts, channels = [blocks.QuickNetStem(widths[0], in_channels=3)], widths[0]
    for width, count in zip(widths, counts):
        if width != channels:
            parts.append(blocks.QuickNetTransition(width, channels))
            channels = width
        parts += [blocks.QuickNetBlock(channels) for _ in range(count)]
    return row(*parts, *head(channels, relu()))


def bnn_conv_net(width):
    parts, inputs = [], 3
    for number, channels in enumerate((1, 1, 2, 2, 4, 4)):
        first = {"input_quantizer": "identity"} if number == 0 else {}
        parts.append(
            blocks.BNNConvBlock(channels * width, in_channels=inputs, pool_size=1 + number % 2, **first)
        )
        inputs = channels * width
    for units, inputs in ((1024, 4 * width * 16), (1024, 1024)):
        parts.append(blocks.BNNDenseBlock(units, inputs))
    return row(*parts, blocks.BNNDenseBlock(10, 1024, activation=False))


def xnor_alexnet():
    def block(channels, kernel, inputs, pool=False, **quantized):
        return blocks.XNORBlock(
            channels,
            kernel,
            in_channels=inputs,
            pool=float_nn.MaxPool2D(3, 2) if pool else None,
            use_bias=True,
            **quantized,
        )

    return row(
        float_nn.Conv2D(96, 11, 4, 2, in_channels=3),
        norm(96),
        relu(),
        float_nn.MaxPool2D(3, 2),
        block(256, 5, 96, pool=True),
        block(384, 3, 256),
        block(384, 3, 384),
        block(256, 3, 384, pool=True),
        block(4096, 6, 256, padding=0),
        block(4096, 1, 4096),
        norm(4096),
        relu(),
        float_nn.Conv2D(1000, 1, in_channels=4096),
    )


def count(net, size=224, dense=False):
    """(real parameters, binary weights, real multiplications, binary multiplications)."""
    parameters = net.collect_params()
    binary = sum(np.prod(p.shape) for p in parameters.values() if getattr(p, "binary", False))
    total = sum(np.prod(p.shape) for name, p in parameters.items() if "running" not in name)
    calls, hooks = [], []

    def walk(block):
        if isinstance(block, (float_nn.Conv2D, float_nn.Dense) if dense else float_nn.Conv2D):
            hooks.append(block.register_forward_hook(lambda layer, _, out: calls.append((layer, out))))
        for child in block._children.values():
            walk(child)

    walk(net)
    net(mx.sym.var("data"))
    shapes = mx.sym.Group([out for _, out in calls]).infer_shape(data=(1, 3, size, size))[1]
    work = {False: 0, True: 0}
    for (layer, _), shape in zip(calls, shapes):
        per_output = np.prod(layer.weight.shape[1:])
        work[getattr(layer.weight, "binary", False)] += int(per_output * np.prod(shape[1:]))
    return int(total - binary), int(binary), work[False], work[True]


# net -> real parameters, binary weights; millions of real, of binary multiplications to the digits printed
NETS = {
    "resnet_e_18": (
        lambda: resnet_e_18(blocks.ImageStem(in_channels=3)),
        (704_174, 10_985_472),
        (137.28, 1676),
    ),
    "bireal_18": (bireal_18, (704_040, 10_985_472), (137.28, 1676)),
    "react_resnet_18": (react_resnet_18, (11_704_424 - 10_985_472, 10_985_472), None),
    "groupnet_18": (groupnet_18, (562_838, 55_099_392), (None, 8478)),
    "binarydensenet_28": (
        lambda: binarydensenet((6, 6, 6, 5), (2.7, 2.7, 2.2)),
        (929_000, 4_202_496),
        (201.91, 3587),
    ),
    "binarydensenet_37": (
        lambda: binarydensenet((6, 8, 12, 6), (3.3, 3.3, 4)),
        (1_108_264, 7_593_984),
        (199.10, 4507),
    ),
    "meliusnet_22": (
        lambda: meliusnet((4, 5, 4, 4), (160, 224, 256)),
        (825_160, 6_119_424),
        (135.88, 4624),
    ),
    "meliusnet_29": (
        lambda: meliusnet((4, 6, 8, 6), (128, 192, 256)),
        (1_006_408, 10_321_920),
        (128.85, 5470),
    ),
    "meliusnet_59": (
        lambda: meliusnet((6, 12, 24, 12), (192, 320, 544)),
        (2_913_544, 52_641_792),
        (245.76, 18316),
    ),
    "meliusnet_a": (
        lambda: meliusnet((4, 5, 5, 6), (160, 256, 288), 4),
        (797_128, 8_441_856),
        (86.73, 4852),
    ),
    "meliusnet_c": (
        lambda: meliusnet((3, 5, 10, 6), (128, 192, 288), 4),
        (812_424, 11_427_840),
        (82.21, 4353),
    ),
    "reactnet_a": (reactnet_a, (1_090_408, 28_253_184), (10.84, 4817)),
    "bnext_tiny": (lambda: bnext(32, (2, 2, 6, 2)), None, (None, 4817)),
    "bnext_small": (lambda: bnext(48, (2, 2, 6, 2)), None, (None, 10838)),
    "bnext_middle": (lambda: bnext(48, (4, 4, 8, 4)), None, (None, 20086)),
    "bnext_large": (lambda: bnext(64, (4, 4, 16, 4)), None, (None, 52151)),
    "quicknet_small": (lambda: quicknet((32, 64, 256, 512), (4,) * 4), 12_655_688, (15.43, 1156)),
    "quicknet": (lambda: quicknet((64, 128, 256, 512), (4,) * 4), 13_234_088, (29.14, 1850)),
    "quicknet_large": (lambda: quicknet((64, 128, 256, 512), (6, 8, 12, 6)), 23_342_248, (29.14, 3699)),
    # Larq counts the running statistics of 4352 channels.
    "real_to_binary_18": (real_to_binary_18, 11_995_624 - 2 * 4352, None),
}


@pytest.mark.parametrize("name", NETS)
def test_the_published_counts(name):
    make, parameters, work = NETS[name]
    real, binary, real_work, binary_work = count(make())
    if isinstance(parameters, int):
        assert real + binary == parameters
    elif parameters is not None:
        assert (real, binary) == parameters
    for found, published in zip((real_work, binary_work), work or ()):
        assert published is None or found / 1e6 == pytest.approx(
            published, abs=0.51 if published > 999 else 0.006
        )


def test_the_bnn_of_cifar_10_is_binary_throughout():
    net = bnn_conv_net(128)
    real, binary, real_work, binary_work = count(net, 32, dense=True)
    assert (real, binary) == (2 * 3850, 14_022_016)
    assert (real_work, binary_work) == (0, 616_966_144)
    assert count(bnn_conv_net(64), 32)[1] == 6_397_632


def test_the_binary_weights_of_xnor_alexnet():
    assert count(xnor_alexnet(), 224)[1] == 58_236_928


@pytest.mark.parametrize(
    ("channels", "reduction", "fewer"),
    [(448, 2.7, 160), (544, 2.7, 192), (576, 2.2, 256), (448, 3.3, 128), (1184, 4, 288), (928, 3.3, 288)],
)
def test_transition_channels_are_the_published_ones(channels, reduction, fewer):
    assert blocks.transition_channels(channels, reduction) == fewer
