"""ResNetE (Bethge et al., arXiv:1906.08637)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.residual import CHANNELS, residual_stages
from bmx.gluon.nn.blocks.resnete import ResNetEBlock


@register(names={"resnete18": {"layers": 18}, "resnete34": {"layers": 34}})
def resnete(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """ResNetE (Bethge et al., arXiv:1906.08637), real and pooled shortcuts, as BMXNet-v2 trains it.

    A norm stands on the image and another one behind the stem. Arguments as those of `birealnet`.
    """
    image_norm = nn.BatchNorm(scale=False, epsilon=2e-5, in_channels=3)
    stem = make_stem(initial_layers, thumbnail)
    features = [image_norm, stem, nn.BatchNorm(in_channels=CHANNELS[0])]
    return Classifier(
        [*features, *residual_stages(ResNetEBlock, layers, **quantized), *head()], CHANNELS[-1], classes
    )
