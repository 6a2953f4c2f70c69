"""MobileNet (Howard et al., arXiv:1704.04861): real, for comparison."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.model_zoo.support.publication import IN_PAPER, Case, Counts, Paper, Published

PAPER = Paper("MobileNet", "1704.04861")
# The paper has 1.49e8, 3.25e8 and, with the dense layer, 5.69e8 multiply-accumulates. Added up: stem 3x3,
# then a depthwise 3x3 and a 1x1 convolution a block, each with a norm.
_PUBLISHED = {
    "mobilenet0.25": Published(
        cases=[
            Case(
                Counts(params=470_072, binary_params=0, bytes=1_880_288, float_macs=40_774_272, binary_macs=0)
            )
        ]
    ),
    "mobilenet0.5": Published(
        63.7,
        IN_PAPER,
        [
            Case(
                Counts(
                    params=1_331_592,
                    binary_params=0,
                    mib=5.08,
                    float_macs=148.99e6,
                    binary_macs=0,
                    ops=148.99e6,
                )
            )
        ],
    ),
    "mobilenet0.75": Published(
        68.4,
        IN_PAPER,
        [
            Case(
                Counts(
                    params=2_585_560,
                    binary_params=0,
                    mib=9.86,
                    float_macs=324.63e6,
                    binary_macs=0,
                    ops=324.63e6,
                )
            )
        ],
    ),
    "mobilenet1.0": Published(
        70.6,
        IN_PAPER,
        [
            Case(
                Counts(
                    params=4_231_976,
                    binary_params=0,
                    mib=16.14,
                    float_macs=567.72e6,
                    binary_macs=0,
                    ops=567.72e6,
                )
            )
        ],
    ),
}

# (channels, strides) of the convolutions 1x1 and of the depthwise ones in front of them.
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)),
)


def _convolution(channels: int, kernel_size: int, strides: int, inputs: int, groups: int = 1) -> list[Any]:
    """Convolution, norm, ReLU."""
    padding = kernel_size // 2
    convolution = nn.Conv2D(
        channels, kernel_size, strides, padding, groups=groups, use_bias=False, in_channels=inputs
    )
    return [convolution, nn.BatchNorm(in_channels=channels), nn.Activation("relu")]


@register(
    names={f"mobilenet{multiplier}": {"multiplier": multiplier} for multiplier in (0.25, 0.5, 0.75, 1.0)},
    paper=PAPER,
    published=_PUBLISHED,
)
def mobilenet(multiplier: float = 1.0, classes: int = 1000) -> Classifier:
    """MobileNetV1 (Howard et al., arXiv:1704.04861): depthwise separable convolutions; nothing is binary.

    Args:
        multiplier: multiplier of the widths; the paper has 0.25, 0.5, 0.75 and 1.
        classes: number of classes.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: if the multiplier leaves a layer without channels.
    """
    if not multiplier * 32 >= 1:
        raise ValueError(f"mobilenet: expected a multiplier of at least 1/32, found {multiplier!r}.")
    inputs = int(32 * multiplier)
    features: list[HybridBlock] = _convolution(inputs, 3, 2, 3)
    for width, strides in _BLOCKS:
        channels = int(width * multiplier)
        features += _convolution(inputs, 3, strides, inputs, groups=inputs)
        features += _convolution(channels, 1, 1, inputs)
        inputs = channels
    return Classifier([*features, *head(relu=False)], inputs, classes)
