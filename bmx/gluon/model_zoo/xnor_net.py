"""XNOR-Net and binary-weight networks (Rastegari et al., arXiv:1603.05279)."""

from __future__ import annotations

import functools
from typing import Any

from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import IN_PAPER, UNCONFIRMED, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, ResidualBlock, basic_stages, changes_shape
from bmx.gluon.nn.blocks.xnor_net import BWNBlock, XNORBlock

PAPER = Paper("XNOR-Net", "1603.05279")
_ALEXNET = Published(
    44.2,
    IN_PAPER,
    [
        # Added up: norms on the inputs of layers 2 to 8, no bias.
        Case(
            Counts(
                params=62_387_104,
                binary_params=58_236_928,
                bytes=23_880_320,
                float_macs=105_415_200,
                binary_macs=1_025_744_896,
                norm_channels=9664,
            )
        ),
        # Larq Zoo: norms have no gamma but two statistics, so three numbers a channel.
        Case(Counts(params=62_396_768, mib=22.81), convention="larq"),
    ],
)
# Added up: stem 7x7, 16 3x3 convolutions with a norm each, real 1x1 convolutions with norms in the shortcuts.
_XNOR_RESNET18 = Published(
    51.2,
    IN_PAPER,
    [
        Case(
            Counts(
                params=11_689_640,
                binary_params=10_985_472,
                bytes=4_189_856,
                float_macs=137_281_536,
                binary_macs=1_676_279_808,
            )
        )
    ],
)
_BWN_RESNET18 = Published(
    60.8,
    UNCONFIRMED,
    [
        Case(
            Counts(
                params=11_689_512,
                binary_params=10_985_472,
                bytes=4_189_344,
                float_macs=1_813_561_344,
                binary_macs=0,
            )
        )
    ],
)


def _norm(epsilon: float) -> Any:
    return functools.partial(nn.BatchNorm, scale=False, epsilon=epsilon)


@register(paper=PAPER, published={"xnor_alexnet": _ALEXNET})
def xnor_alexnet(classes: int = 1000, **quantized: Any) -> Classifier:
    """XNOR-Net's AlexNet (Rastegari et al., arXiv:1603.05279): norm, sign, convolution, pool.

        conv 11x11 96 / 4, norm, relu, max pool 3 / 2                  [batch, 96, 27, 27]
        norm, sign, conv 5x5 256, max pool 3 / 2                       [batch, 256, 13, 13]
        norm, sign, conv 3x3 384                        twice          [batch, 384, 13, 13]
        norm, sign, conv 3x3 256, max pool 3 / 2                       [batch, 256, 6, 6]
        norm, sign, conv 6x6 4096, norm, sign, conv 1x1 4096           [batch, 4096, 1, 1]
        norm, relu, dense                                              [batch, classes]

    Layers and epsilons are those of the authors' code; as in Larq's, norms have no gamma and real layers no
    bias. Convolutions are scaled by alpha and K, as in the paper; the code leaves K out:
    ``scaling='channel'``.

    Args:
        classes: number of classes.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    shared: dict[str, Any] = {"norm_layer": _norm(1e-4), **quantized}

    def pool() -> HybridBlock:
        return nn.MaxPool2D(3, 2)

    features = [
        nn.Conv2D(96, 11, 4, 2, use_bias=False, in_channels=3),
        *(_norm(1e-5)(in_channels=96), nn.Activation("relu"), pool()),
        XNORBlock(256, 5, 1, 96, pool=pool(), **shared),
        XNORBlock(384, 3, 1, 256, **shared),
        XNORBlock(384, 3, 1, 384, **shared),
        XNORBlock(256, 3, 1, 384, pool=pool(), **shared),
        XNORBlock(4096, 6, 1, 256, padding=0, **shared),
        XNORBlock(4096, 1, 1, 4096, **shared),
        *(_norm(1e-3)(in_channels=4096), nn.Activation("relu")),
    ]
    return Classifier(features, 4096, classes, use_bias=False)


def _real_shortcut(channels: int, strides: int, in_channels: int) -> list[HybridBlock]:
    """Type B of He et al.: real 1x1 convolution and norm where the shape changes."""
    if not changes_shape(channels, strides, in_channels):
        return []
    convolution = nn.Conv2D(channels, 1, strides, use_bias=False, in_channels=in_channels)
    return [convolution, nn.BatchNorm(in_channels=channels)]


def xnor_block(channels: int, strides: int, in_channels: int, **quantized: Any) -> ResidualBlock:
    """(Norm, sign, convolution) twice, and a shortcut."""
    body = [XNORBlock(channels, 3, strides, in_channels, **quantized)]
    body.append(XNORBlock(channels, 3, 1, channels, **quantized))
    return ResidualBlock(body, _real_shortcut(channels, strides, in_channels))


def bwn_block(channels: int, strides: int, in_channels: int, **quantized: Any) -> ResidualBlock:
    """Convolution, norm, ReLU, convolution, norm, a shortcut, and ReLU."""
    body = [BWNBlock(channels, 3, strides, in_channels, **quantized)]
    body.append(BWNBlock(channels, 3, 1, channels, activation=None, **quantized))
    return ResidualBlock(body, _real_shortcut(channels, strides, in_channels), "relu")


@register(paper=PAPER, published={"xnor_resnet18": _XNOR_RESNET18})
def xnor_resnet18(
    classes: int = 1000, thumbnail: bool = False, initial_layers: str = "imagenet", **quantized: Any
) -> Classifier:
    """XNOR-Net's ResNet-18 (Rastegari et al., arXiv:1603.05279).

    The paper names shortcuts of type B (He et al., arXiv:1512.03385) and its block, norm, sign, convolution,
    and no more. The stem, the 1x1 convolutions of shortcuts and the last layer are real; norm and ReLU come
    before the last layer as in `xnor_alexnet`. Binary shortcuts would not make the 1.67e8 operations that
    arXiv:2003.03488 gives; these do: 163.5e6 of convolutions, 0.5e6 of the last layer, 1.7e6 for the mean
    magnitudes and 1.5e6 products with K.

    Arguments as those of `birealnet`.
    """
    features = [make_stem(initial_layers, thumbnail), *basic_stages(xnor_block, 18, **quantized)]
    features.append(nn.BatchNorm(in_channels=CHANNELS[-1]))
    return Classifier([*features, *head()], CHANNELS[-1], classes)


@register(paper=PAPER, published={"bwn_resnet18": _BWN_RESNET18})
def bwn_resnet18(
    classes: int = 1000, thumbnail: bool = False, initial_layers: str = "imagenet", **quantized: Any
) -> Classifier:
    """ResNet-18 with binary weights scaled by alpha, and real inputs (Rastegari et al., arXiv:1603.05279).

    Layers stand as in He et al., arXiv:1512.03385; real weights are those of the stem, of the shortcuts and
    of the last layer, as in `xnor_resnet18`. Arguments as those of `birealnet`.
    """
    features = [make_stem(initial_layers, thumbnail), *basic_stages(bwn_block, 18, **quantized)]
    return Classifier([*features, *head(relu=False)], CHANNELS[-1], classes)
