"""Small nets with high-order residual quantization (Li et al., HORQ, arXiv:1708.08687)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import CIFAR, register
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.nn import HORQ, HORQConv2D, QDense

PAPER = Paper("HORQ", "1708.08687")
# Added up; the nets are ours. An input of order 2 is two signs, each multiplied with the same weights.
_LENET = Published(
    cases=[
        Case(
            Counts(
                params=1_142_250,
                binary_params=1_126_400,  # 64 * 64 * 25 + 1024 * 1000
                bytes=204_200,
                float_macs=921_600,
                binary_macs=13_107_200,
            )
        )
    ]
)
_CONVNET = Published(
    cases=[
        Case(
            Counts(
                params=6_411_338,
                binary_params=6_385_664,
                bytes=900_904,
                float_macs=1_769_472,  # 3 * 64 * 9 * 32 * 32
                binary_macs=301_989_888,
            )
        )
    ]
)


def _conv(channels: int, kernel_size: int, padding: int, in_channels: int, **given: Any) -> HybridBlock:
    arguments = {"use_bias": False, "scaling": "channel", **given}
    return HORQConv2D(channels, kernel_size, padding=padding, in_channels=in_channels, **arguments)


def _dense(units: int, in_units: int, order: int, **given: Any) -> HybridBlock:
    # The window of a dense layer is the sample.
    arguments = {"use_bias": False, "scaling": "channel", "input_quantizer": HORQ(order), **given}
    return QDense(units, in_units=in_units, **arguments)


@register(input_shape=(1, 28, 28), paper=PAPER, published={"horq_lenet": _LENET})
def horq_lenet(
    classes: int = 10, order: int = 2, beta: str = "position", **quantized: Any
) -> nn.HybridSequential:
    """LeNet for 28 x 28 digits with HORQ layers (Li et al., arXiv:1708.08687).

    The paper does not publish its nets. This is our `lenet` with the order of layers of XNOR-Net, which HORQ
    extends: norm, binary layer, pool. The first and the last layer are real.

        conv 5x5 64, tanh, max pool 2            [batch, 64, 12, 12]
        norm, HORQ conv 5x5 64, max pool 2       [batch, 64, 4, 4]
        norm, HORQ dense 1000                    [batch, 1000]
        norm, tanh, dense                        [batch, classes]

    Args:
        classes: number of classes.
        order: number of signs of an input value, 1 to 4.
        beta: 'position', a scale for each window as in the paper, or 'sample', one for each sample.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: float32 [batch, 1, 28, 28]. Output: logits [batch, classes].
    """
    net = nn.HybridSequential(prefix="horq_lenet_")
    with net.name_scope():
        net.add(nn.Conv2D(64, 5, in_channels=1), nn.Activation("tanh"), nn.MaxPool2D(2))
        net.add(nn.BatchNorm(in_channels=64), _conv(64, 5, 0, 64, order=order, beta=beta, **quantized))
        net.add(nn.MaxPool2D(2), nn.Flatten())
        net.add(nn.BatchNorm(in_channels=1024), _dense(1000, 1024, order, **quantized))
        net.add(nn.BatchNorm(in_channels=1000), nn.Activation("tanh"), nn.Dense(classes, in_units=1000))
    return net


@register(input_shape=CIFAR, paper=PAPER, published={"horq_convnet": _CONVNET})
def horq_convnet(
    classes: int = 10,
    channels: tuple[int, int, int] = (64, 128, 256),
    order: int = 2,
    beta: str = "position",
    **quantized: Any,
) -> nn.HybridSequential:
    """A ConvNet for CIFAR-10 with HORQ layers (Li et al., arXiv:1708.08687).

    The paper does not publish its net. This one has the sizes of BNN's for SVHN (arXiv:1602.02830) and the
    order of layers of XNOR-Net. The first and the last layer are real.

        conv 3x3, norm, relu                             [batch, channels[0], 32, 32]
        norm, HORQ conv 3x3, max pool 2                  [batch, channels[0], 16, 16]
        norm, HORQ conv 3x3,
            norm, HORQ conv 3x3, max pool 2              for each further number of channels
        norm, HORQ dense 1024                            twice
        norm, relu, dense                                [batch, classes]

    Args:
        classes: number of classes.
        channels: channels of the three pairs of convolutions.
        order: number of signs of an input value, 1 to 4.
        beta: 'position', a scale for each window as in the paper, or 'sample', one for each sample.
        **quantized: further arguments of the binary layers.

    Returns:
        The net. Input: float32 [batch, 3, 32, 32]. Output: logits [batch, classes].
    """
    net = nn.HybridSequential(prefix="horq_convnet_")
    with net.name_scope():
        inputs = channels[0]
        net.add(nn.Conv2D(inputs, 3, padding=1, use_bias=False, in_channels=3))
        net.add(nn.BatchNorm(in_channels=inputs), nn.Activation("relu"))
        for stage, width in enumerate(channels):
            for _ in range(2 if stage else 1):
                norm = nn.BatchNorm(in_channels=inputs)
                net.add(norm, _conv(width, 3, 1, inputs, order=order, beta=beta, **quantized))
                inputs = width
            net.add(nn.MaxPool2D(2))
        net.add(nn.Flatten())
        inputs *= 4 * 4
        for _ in range(2):
            net.add(nn.BatchNorm(in_channels=inputs), _dense(1024, inputs, order, **quantized))
            inputs = 1024
        net.add(nn.BatchNorm(in_channels=inputs), nn.Activation("relu"), nn.Dense(classes, in_units=inputs))
    return net
