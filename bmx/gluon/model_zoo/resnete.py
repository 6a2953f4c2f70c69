"""ResNetE (Bethge et al., arXiv:1906.08637)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import (
    BMXNET_WIKI,
    CIFAR10,
    CIFAR100,
    GROUPED_STEM,
    Case,
    Counts,
    Paper,
    Published,
)
from bmx.gluon.model_zoo.support.residual import CHANNELS, residual_stages
from bmx.gluon.nn.blocks.resnete import ResNetEBlock

PAPER = Paper("ResNetE", "1906.08637")
_PUBLISHED = {
    "resnete18": Published(
        60.0,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=11_689_646,
                    binary_params=10_985_472,
                    mib=3.996,
                    float_macs=137.28e6,
                    binary_macs=1.676e9,
                    ops=163.5e6,
                )
            ),
            Case(Counts(mib=3.981, ops=114.1e6), GROUPED_STEM),
            Case(Counts(params=11_173_968, mib=2.029), CIFAR10),
            Case(Counts(params=11_220_138), CIFAR100),
            # Larq's has no norm on the image: beta, mean and variance of 3 channels.
            Case(Counts(params=11_699_368 + 9), convention="larq"),
        ],
    ),
    # Added up: the layers of Bi-Real Net, a norm on the image and one after the stem.
    "resnete34": Published(
        63.2,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=21_797_806,
                    binary_params=21_086_208,
                    mib=5.228,
                    float_macs=137.28e6,
                    binary_macs=3.526e9,
                    ops=192.4e6,
                )
            )
        ],
    ),
}


@register(names={"resnete18": {"layers": 18}, "resnete34": {"layers": 34}}, paper=PAPER, published=_PUBLISHED)
def resnete(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """ResNetE (Bethge et al., arXiv:1906.08637), real and pooled shortcuts, as BMXNet-v2 trains it.

    A norm stands on the image and another one after the stem. Arguments as those of `birealnet`.
    """
    image_norm = nn.BatchNorm(scale=False, epsilon=2e-5, in_channels=3)
    stem = make_stem(initial_layers, thumbnail)
    features = [image_norm, stem, nn.BatchNorm(in_channels=CHANNELS[0])]
    return Classifier(
        [*features, *residual_stages(ResNetEBlock, layers, **quantized), *head()], CHANNELS[-1], classes
    )
