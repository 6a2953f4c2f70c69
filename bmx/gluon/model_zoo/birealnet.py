"""Bi-Real Net (Liu et al., arXiv:1808.00278; the deeper nets: arXiv:1811.01335)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import AUTHORS_CODE, IN_PAPER, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import (
    BOTTLENECKS,
    CHANNELS,
    EXPANSION,
    bottleneck_stages,
    require_layers,
    residual_stages,
)
from bmx.gluon.nn.blocks.birealnet import BiRealBlock
from bmx.gluon.nn.blocks.birealnet_bottleneck import BiRealBottleneck
from bmx.gluon.nn.blocks.parts import Chain

PAPER = Paper("Bi-Real Net", "1808.00278")
_PUBLISHED = {
    # The authors' tables, added up: stem 7x7; 16 binary 3x3 convolutions with a norm each; a real 1x1
    # convolution and a norm where the shape changes. Larq Zoo has the same net; it counts statistics too.
    "birealnet18": Published(
        56.4,
        AUTHORS_CODE,
        [
            Case(
                Counts(
                    params=11_689_512,
                    binary_params=10_985_472,
                    mib=3.995,
                    float_macs=137.28e6,
                    binary_macs=1.676e9,
                    ops=163.5e6,
                )
            ),
            Case(Counts(params=11_699_112), convention="larq"),
        ],
    ),
    # 32 binary convolutions, the rest as with 18 layers.
    "birealnet34": Published(
        62.2,
        AUTHORS_CODE,
        [
            Case(
                Counts(
                    params=21_797_672,
                    binary_params=21_086_208,
                    mib=5.228,
                    float_macs=137.28e6,
                    binary_macs=3.526e9,
                    ops=192.4e6,
                )
            )
        ],
    ),
    # Added up: three binary convolutions a block, the very first 1x1 real; real shortcuts, with 1x1
    # convolutions of both the block's and a quarter of its inputs where the shape changes.
    "birealnet50": Published(
        62.6,
        AUTHORS_CODE,
        [
            Case(
                Counts(
                    params=25_729_064,
                    binary_params=20_672_512,
                    bytes=22_810_272,
                    float_macs=567_590_912,
                    binary_macs=3_596_615_680,
                )
            )
        ],
    ),
    "birealnet152": Published(
        64.5,
        IN_PAPER,
        [
            Case(
                Counts(
                    params=60_364_840,
                    binary_params=55_209_984,
                    float_macs=567_590_912,
                    binary_macs=11_021_058_048,
                ),
                slow=True,
            )
        ],
    ),
}

LAYERS = (18, 34, 50, 152)


@register(
    names={f"birealnet{layers}": {"layers": layers} for layers in LAYERS}, paper=PAPER, published=_PUBLISHED
)
def birealnet(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """Bi-Real Net; no ReLU anywhere, and a shortcut past every binary convolution.

    18 and 34 layers: Liu et al., arXiv:1808.00278. 50 and 152 layers: arXiv:1811.01335, of bottlenecks. Those
    of 50 are as in the authors' code, see `BiRealBottleneck`; there is none of 152, which has more of the
    same blocks, as many as the real net has (He et al., arXiv:1512.03385).

    Args:
        layers: number of layers, 18, 34, 50 or 152.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: the number of layers or the stem is not known.
    """
    require_layers(layers, LAYERS)
    stem = make_stem(initial_layers, thumbnail, activation=None)
    if layers in BOTTLENECKS:
        chain = Chain(prefix="")
        chain.add(*bottleneck_stages(_bottleneck, layers, **quantized))
        return Classifier([stem, chain, *head(relu=False)], EXPANSION * CHANNELS[-1], classes)
    features = [stem, *residual_stages(BiRealBlock, layers, **quantized), *head(relu=False)]
    return Classifier(features, CHANNELS[-1], classes)


def _bottleneck(channels: int, strides: int, in_channels: int, **quantized: Any) -> BiRealBottleneck:
    entry = in_channels == CHANNELS[0]
    return BiRealBottleneck(channels, strides, in_channels, entry=entry, **quantized)
