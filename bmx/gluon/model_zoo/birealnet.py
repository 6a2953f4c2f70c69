"""Bi-Real Net (Liu et al., arXiv:1808.00278)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.residual import CHANNELS, residual_stages
from bmx.gluon.nn.blocks.bireal_net import BiRealBlock


@register(names={"birealnet18": {"layers": 18}, "birealnet34": {"layers": 34}})
def birealnet(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """Bi-Real Net (Liu et al., arXiv:1808.00278); no ReLU anywhere.

    Args:
        layers: 18 or 34.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    stem = make_stem(initial_layers, thumbnail, activation=None)
    features = [stem, *residual_stages(BiRealBlock, layers, **quantized), *head(relu=False)]
    return Classifier(features, CHANNELS[-1], classes)
