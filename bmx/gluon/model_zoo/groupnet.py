"""Group-Net (Zhuang et al., arXiv:1811.10413, arXiv:1909.09934)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import UNCONFIRMED, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import (
    BOTTLENECKS,
    CHANNELS,
    EXPANSION,
    basic_stages,
    bottleneck_stages,
    require_layers,
)
from bmx.gluon.nn.blocks.groupnet import GroupNetBlock, GroupNetStage
from bmx.gluon.nn.blocks.groupnet_bottleneck import GroupNetBottleneck
from bmx.gluon.nn.blocks.stems import ImageStem

PAPER = Paper("Group-Net", "1811.10413")
# Added up: K branches of two or three binary convolutions and their norms; a binary 1x1 convolution in the
# shortcut, which every branch of a gated block multiplies; weights of the mixture, and a gate a branch.
_PUBLISHED = {
    "groupnet18": Published(
        64.8,
        UNCONFIRMED,
        [
            Case(
                Counts(
                    params=55_662_230,
                    binary_params=55_099_392,
                    float_macs=118_013_952,
                    binary_macs=8_477_736_960,
                )
            ),
            # The authors' code with 5 bases.
            Case(
                Counts(
                    params=55_099_392 + 562_838,
                    binary_params=55_099_392,
                    mib=8.72,
                    float_macs=118.01e6,
                    binary_macs=8.478e9,
                    ops=250.0e6,
                ),
                within={"ops": 0.75e6},
            ),
        ],
    ),
    "groupnet34": Published(
        68.5,
        UNCONFIRMED,
        [
            Case(
                Counts(
                    params=106_203_077,
                    binary_params=105_603_072,
                    float_macs=118_013_952,
                    binary_macs=17_726_177_280,
                ),
                slow=True,
            )
        ],
    ),
    "groupnet50": Published(
        69.5,
        UNCONFIRMED,
        [
            Case(
                Counts(
                    params=108_444_869,
                    binary_params=106_151_936,
                    float_macs=118_013_952,
                    binary_macs=19_640_090_624,
                ),
                slow=True,
            ),
            Case(
                Counts(
                    params=25_557_125,
                    binary_params=23_445_504,
                    float_macs=118_013_952,
                    binary_macs=3_969_122_304,
                ),
                {"bases": 1},
            ),
        ],
    ),
}

LAYERS = (18, 34, 50)


@register(
    names={f"groupnet{layers}": {"layers": layers} for layers in LAYERS}, paper=PAPER, published=_PUBLISHED
)
def groupnet(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    bases: int = 5,
    **quantized: Any,
) -> Classifier:
    """Group-Net with group-wise decomposition (GBD): each residual block is the sum of K binary ones.

    Paper: Zhuang et al., arXiv:1811.10413. As in the authors' code: the stem's convolution has a bias and its
    norm comes after the max pool; blocks of the first stage have no gates; stem and classifier are real.
    The code has no bottlenecks: those of the net with 50 layers are derived, see `GroupNetBottleneck`.

    Args:
        layers: number of layers, 18, 34 or 50.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        bases: number of binary branches of a block, K.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: the number of layers, of bases or the stem is not known.
    """
    require_layers(layers, LAYERS)
    stem = make_stem(initial_layers, thumbnail, activation=None)
    if isinstance(stem, ImageStem):
        stem = ImageStem(CHANNELS[0], None, in_channels=3, norm_last=True, use_bias=True)
    deep = layers in BOTTLENECKS
    first = CHANNELS[0] * (EXPANSION if deep else 1)

    def block(channels: int, strides: int, in_channels: int) -> GroupNetBlock:
        kind = GroupNetBottleneck if deep else GroupNetBlock
        return kind(channels, strides, in_channels, bases, gated=channels > first, **quantized)

    stage = GroupNetStage(prefix="")
    stage.add(*(bottleneck_stages if deep else basic_stages)(block, layers))
    return Classifier([stem, stage, *head(relu=False)], CHANNELS[-1] * (EXPANSION if deep else 1), classes)
