"""Binarized Neural Networks (Courbariaux, Hubara et al., arXiv:1602.02830)."""

from __future__ import annotations

import functools
from typing import Any

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import CIFAR, register
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.nn.blocks.bnn import BNNConvBlock, BNNDenseBlock
from bmx.gluon.nn.blocks.parts import NormLayer
from bmx.gluon.nn.quantizers import Quantizer

PAPER = Paper("BNN", "1602.02830")
# Numbers of binary weights are published by the authors and Larq. The rest is added up: a norm after each
# layer, two numbers a channel; the first layer multiplies pixels of 8 bits.
_MLP = Published(
    cases=[
        Case(
            Counts(
                params=36_831_252,
                binary_params=36_806_656,  # 784 * 4096 + 2 * 4096 * 4096 + 4096 * 10
                bytes=4_699_216,
                float_macs=0,
                binary_macs=0,  # of convolutions
            )
        ),
        # The code for Torch.
        Case(Counts(binary_params=10_014_720), {"units": 2048}, parameters_only=True),
    ]
)
_CONVNETS = {
    "bnn_cifar": Published(
        cases=[
            Case(
                Counts(
                    params=14_029_716,
                    binary_params=14_022_016,
                    bytes=1_783_552,
                    float_macs=0,
                    binary_macs=632_291_328,
                    macs=616_966_144,
                    norm_channels=3850,
                )
            )
        ]
    ),
    "bnn_svhn": Published(
        cases=[
            Case(
                Counts(
                    params=6_403_540,
                    binary_params=6_397_632,
                    bytes=823_336,
                    float_macs=0,
                    binary_macs=165_150_720,
                )
            )
        ]
    ),
}

# Epsilon as in the code for Theano; moving averages are updated as Gluon does.
_norm: NormLayer = functools.partial(nn.BatchNorm, epsilon=1e-4)


@register(input_shape=(1, 28, 28), paper=PAPER, published={"bnn_mlp": _MLP})
def bnn_mlp(
    classes: int = 10,
    units: int = 4096,
    image_quantizer: str | Quantizer = "pixels",
    norm_layer: NormLayer = _norm,
    **quantized: Any,
) -> nn.HybridSequential:
    """BNN's multi-layer perceptron for MNIST (Courbariaux et al., arXiv:1602.02830); all weights are binary.

        dense, batch norm, hard tanh      three times, [batch, units]
        dense, batch norm                 [batch, classes]

    Each dense layer but the first takes the sign of its input. The first one multiplies 8-bit pixels bit
    plane by bit plane, the paper's section on the first layer, and takes images between 0 and 1;
    ``image_quantizer='identity'`` takes real ones, as the authors' code does with images between -1 and 1.
    Left out is the dropout that only the code for Theano has: a dropped sign has no sign.

    Args:
        classes: number of classes.
        units: units of each hidden layer: 4096 in the code for Theano, 2048 in that for Torch.
        image_quantizer: quantizer of the net's input.
        norm_layer: function that makes the norms.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: float32 [batch, 1, 28, 28]. Output: scores for a squared hinge loss [batch, classes].
    """
    net = nn.HybridSequential(prefix="bnn_mlp_")
    with net.name_scope():
        inputs = 28 * 28
        for number in range(3):
            first = {} if number else {"input_quantizer": image_quantizer}
            net.add(BNNDenseBlock(units, inputs, norm_layer, **{**quantized, **first}))
            inputs = units
        net.add(BNNDenseBlock(classes, inputs, norm_layer, activation=False, **quantized))
    return net


@register(
    names={"bnn_cifar": {}, "bnn_svhn": {"channels": (64, 128, 256)}},
    input_shape=CIFAR,
    paper=PAPER,
    published=_CONVNETS,
)
def bnn_convnet(
    channels: tuple[int, int, int] = (128, 256, 512),
    classes: int = 10,
    image_quantizer: str | Quantizer = "pixels",
    norm_layer: NormLayer = _norm,
    **quantized: Any,
) -> nn.HybridSequential:
    """BNN's ConvNet for CIFAR-10 and SVHN (Courbariaux et al., arXiv:1602.02830); all weights are binary.

        conv 3x3, batch norm, hard tanh,
            conv 3x3, max pool 2, batch norm, hard tanh    for each number of channels
        dense 1024, batch norm, hard tanh                  twice
        dense, batch norm                                  [batch, classes]

    Convolutions are padded with 0; layers take the sign of their input, the first one pixels as in `bnn_mlp`.

    Args:
        channels: channels of the three pairs of convolutions; SVHN's net has half of CIFAR's.
        classes: number of classes.
        image_quantizer: quantizer of the net's input, see `bnn_mlp`.
        norm_layer: function that makes the norms.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: float32 [batch, 3, 32, 32]. Output: scores for a squared hinge loss [batch, classes].
    """
    net = nn.HybridSequential(prefix="bnn_convnet_")
    with net.name_scope():
        inputs = 3
        for width in channels:
            for pool_size in (1, 2):
                first = {"input_quantizer": image_quantizer} if inputs == 3 else {}
                arguments = {"pool_size": pool_size, "norm_layer": norm_layer, **quantized, **first}
                net.add(BNNConvBlock(width, 3, 1, inputs, **arguments))
                inputs = width
        net.add(nn.Flatten())
        inputs *= 4 * 4
        for _ in range(2):
            net.add(BNNDenseBlock(1024, inputs, norm_layer, **quantized))
            inputs = 1024
        net.add(BNNDenseBlock(classes, inputs, norm_layer, activation=False, **quantized))
    return net
