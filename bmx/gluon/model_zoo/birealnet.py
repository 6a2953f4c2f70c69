"""Bi-Real Net (Liu et al., arXiv:1808.00278; the deeper nets: arXiv:1811.01335)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
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

LAYERS = (18, 34, 50, 152)


@register(names={f"birealnet{layers}": {"layers": layers} for layers in LAYERS})
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
        layers: 18, 34, 50 or 152.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'imagenet', 'grouped_stem' or 'thumbnail'.
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
