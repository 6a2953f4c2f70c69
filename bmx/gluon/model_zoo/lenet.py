"""LeNet for 28 x 28 digits, with the binary layers of BMXNet (arXiv:1705.09864, section 4)."""

from __future__ import annotations

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.publication import Case, Counts, Paper, Published
from bmx.gluon.nn import QConv2D, QDense

PAPER = Paper("BMXNet", "1705.09864")
# Added up; the first convolution has a bias.
_PUBLISHED = Published(
    cases=[
        Case(
            Counts(
                params=1_140_330,
                binary_params=1_126_400,  # 64 * 64 * 25 + 1024 * 1000
                bytes=196_520,
                float_macs=921_600,  # 64 * 25 * 24 * 24
                binary_macs=6_553_600,  # 64 * 64 * 25 * 8 * 8
            )
        )
    ]
)


@register(input_shape=(1, 28, 28), paper=PAPER, published={"lenet": _PUBLISHED})
def lenet(classes: int = 10, binary: bool = True) -> nn.HybridSequential:
    """BMXNet's LeNet: the first convolution and the last dense layer are float, the two between are binary.

    A binary layer takes the sign of its own input, which stands where the float net has a tanh:

        conv 5x5 64, tanh, max pool 2, batch norm   [batch, 64, 12, 12]
        sign | conv 5x5 64, batch norm, max pool 2  [batch, 64, 4, 4]
        sign | dense 1000, batch norm, tanh         [batch, 1000]
        dense                                       [batch, classes]

    Args:
        classes: number of classes.
        binary: False gives the same net with float layers and tanh instead of sign, to compare with.

    Returns:
        The net. Input: float32 [batch, 1, 28, 28]. Output: logits [batch, classes].
    """
    net = nn.HybridSequential(prefix="lenet_")
    with net.name_scope():
        net.add(nn.Conv2D(64, 5), nn.Activation("tanh"), nn.MaxPool2D(2), nn.BatchNorm())
        if binary:
            net.add(QConv2D(64, 5, use_bias=False))
        else:
            net.add(nn.Activation("tanh"), nn.Conv2D(64, 5, use_bias=False))
        net.add(nn.BatchNorm(), nn.MaxPool2D(2), nn.Flatten())
        if binary:
            net.add(QDense(1000, use_bias=False))
        else:
            net.add(nn.Activation("tanh"), nn.Dense(1000, use_bias=False))
        net.add(nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(classes))
    return net
