"""DoReFa-Net (Zhou et al., arXiv:1606.06160)."""

from __future__ import annotations

import functools
from typing import Any

from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier
from bmx.gluon.model_zoo.support.publication import LARQ_ZOO, Case, Counts, Paper, Published
from bmx.gluon.nn.blocks.parts import NormLayer, chosen
from bmx.gluon.nn.conv import QConv2D
from bmx.gluon.nn.dense import QDense
from bmx.gluon.nn.quantizers import DetSign, DoReFa
from bmx.gluon.tensor import Tensor

PAPER = Paper("DoReFa-Net", "1606.06160")
_PUBLISHED = Published(
    53.39,
    LARQ_ZOO,
    [
        # Added up: real first layer 12x12 with a bias, five convolutions and two dense layers as in AlexNet
        # without groups, the last layer real. Products are those of 1 with 2 bits.
        Case(
            Counts(
                params=62_394_440,
                binary_params=58_236_928,
                bytes=23_909_664,
                float_macs=120_932_352,
                binary_macs=5_740_167_168,
                norm_channels=9472,
            )
        ),
        # Norms have no gamma but two statistics, so three numbers a channel.
        Case(Counts(params=62_403_912, mib=22.84), convention="larq"),
    ],
)


# Norms have no gamma.
_norm: NormLayer = functools.partial(nn.BatchNorm, scale=False, epsilon=1e-4)


class UnitClip(HybridBlock):
    """min(max(x, 0), 1), with gradient 1 where 0 <= x <= 1 and 0 elsewhere.

    Paper: Zhou et al., arXiv:1606.06160, section 2.7.

    Inputs:
        - **data**: float32, any shape.

    Outputs:
        - **out**: float32, the same shape.
    """

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        # The identity stands where gradients may have to be added up, which MXNet's clip does not do.
        return F.clip(F.identity(x), 0, 1)


def _paper() -> dict[str, Any]:
    """One bit a weight, scaled by the layer's mean magnitude; two bits a value between 0 and 1."""
    return {"weight_quantizer": DetSign(None), "scaling": "tensor", "input_quantizer": DoReFa(2)}


def _conv(channels: int, kernel_size: int, in_channels: int, given: dict[str, Any]) -> list[HybridBlock]:
    arguments = {"padding": kernel_size // 2, "use_bias": False, **chosen(_paper(), given)}
    convolution = QConv2D(channels, kernel_size, in_channels=in_channels, **arguments)
    return [convolution, _norm(in_channels=channels)]


def _dense(units: int, in_units: int, given: dict[str, Any]) -> list[HybridBlock]:
    layer = QDense(units, in_units=in_units, **{"use_bias": False, **chosen(_paper(), given)})
    return [layer, _norm(in_channels=units)]


@register(paper=PAPER, published={"dorefanet": _PUBLISHED})
def dorefanet(classes: int = 1000, **quantized: Any) -> Classifier:
    """DoReFa-Net's AlexNet, 1-bit weights and 2-bit activations (Zhou et al., arXiv:1606.06160).

        conv 12x12 96 / 4                             [batch, 96, 54, 54]
        conv 5x5 256, norm, max pool 3 / 2            [batch, 256, 27, 27]
        conv 3x3 384, norm, max pool 3 / 2            [batch, 384, 14, 14]
        conv 3x3 384, norm                            [batch, 384, 14, 14]
        conv 3x3 256, norm, max pool 3 / 2            [batch, 256, 6, 6]
        dense 4096, norm                    twice     [batch, 4096]
        clip to 0 to 1, dense                         [batch, classes]

    Layers are those of the authors' code as Larq has them, without groups. The first and the last layer are
    real, and a quantized layer clips its input to 0 to 1, which is its activation.

    Args:
        classes: number of classes.
        **quantized: further arguments of the quantized layers, ``input_bits`` for example.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    features = [
        nn.Conv2D(96, 12, 4, in_channels=3),
        # One row and one column more at the end, then one on each side: TensorFlow's 'same'.
        *(*_conv(256, 5, 96, quantized), nn.MaxPool2D(3, 2, ceil_mode=True)),
        *(*_conv(384, 3, 256, quantized), nn.MaxPool2D(3, 2, padding=1)),
        *_conv(384, 3, 384, quantized),
        *(*_conv(256, 3, 384, quantized), nn.MaxPool2D(3, 2), nn.Flatten()),
        *_dense(4096, 256 * 6 * 6, quantized),
        *(*_dense(4096, 4096, quantized), UnitClip()),
    ]
    return Classifier(features, 4096, classes)
