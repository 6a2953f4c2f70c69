"""A small residual net for small images, which trains on a CPU."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet.gluon import nn

from bmx.gluon.model_zoo.registry import CIFAR, register
from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.model_zoo.support.publication import Case, Counts, Published
from bmx.gluon.nn.blocks.resnete import ResNetEBlock

# Added up: a norm after each convolution, real 1x1 convolutions in shortcuts of another shape.
_PUBLISHED = Published(
    cases=[
        Case(
            Counts(
                params=1_965_642,
                binary_params=1_916_928,
                bytes=434_472,
                float_macs=2_818_048,
                binary_macs=66_060_288,
            )
        )
    ]
)


@register(input_shape=CIFAR, published={"resnete_small": _PUBLISHED})
def resnete_small(
    classes: int = 10,
    channels: Sequence[int] = (64, 128, 256),
    blocks: Sequence[int] = (2, 3, 3),
    in_channels: int = 3,
    pool: bool = True,
    **quantized: Any,
) -> Classifier:
    """Blocks of ResNetE (Bethge et al., arXiv:1906.08637) after a small stem; the net itself is ours.

        conv 3x3, max pool 2, norm        [batch, channels[0], height / 2, width / 2]
        sign, conv 3x3, norm, +           blocks[n] times with channels[n]; each stage but the first halves
        ReLU, mean over all pixels        [batch, channels[-1]]
        dense                             [batch, classes]

    The first layer, 1x1 convolutions of shortcuts and the last layer are real.

    Args:
        classes: number of classes.
        channels: channels of each stage.
        blocks: number of binary convolutions of each stage.
        in_channels: channels of the images.
        pool: whether the stem halves the size.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, in_channels, height, width]. Output: logits [batch, classes].
    """
    inputs = channels[0]
    features: list[Any] = [
        nn.Conv2D(inputs, 3, padding=1, use_bias=False, in_channels=in_channels),
        nn.MaxPool2D(2) if pool else None,
        nn.BatchNorm(in_channels=inputs),
    ]
    for stage, (width, count) in enumerate(zip(channels, blocks)):
        for number in range(count):
            strides = 2 if stage and not number else 1
            features.append(ResNetEBlock(width, strides, in_channels=inputs, **quantized))
            inputs = width
    return Classifier([*features, *head()], inputs, classes)
