"""Group-Net (Zhuang et al., arXiv:1811.10413, arXiv:1909.09934)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
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

LAYERS = (18, 34, 50)


@register(names={f"groupnet{layers}": {"layers": layers} for layers in LAYERS})
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
    norm stands behind the max pool; blocks of the first stage have no gates; stem and classifier are real.
    The code has no bottlenecks: those of the net with 50 layers are derived, see `GroupNetBottleneck`.

    Args:
        layers: 18, 34 or 50.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'imagenet', 'grouped_stem' or 'thumbnail'.
        bases: K, binary branches of a block.
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
