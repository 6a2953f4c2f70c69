"""BoolNet (Guo et al., arXiv:2106.06991)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import AUTHORS_CODE, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, CONVOLUTIONS, require_layers
from bmx.gluon.nn.blocks.boolnet import BoolNetBlock, GhostNormSign
from bmx.gluon.nn.prelu import PReLU

PAPER = Paper("BoolNet", "2106.06991")
# Added up: a group a slice in the 3x3 convolutions; shortcuts have all slices and a bias, and a pool follows
# them. The paper has 1.64e8 operations for 119.82e6 + 2466.25e6 / 64 = 158.4e6 here; all its rows are 5e6 to
# 6e6 above what the convolutions of the authors' code add up to, so they seem to count layers that are none.
_PUBLISHED = Published(
    57.6,
    AUTHORS_CODE,
    [
        Case(
            Counts(
                params=14_445_416,
                binary_params=13_910_016,
                bytes=3_880_352,
                float_macs=119_820_288,
                binary_macs=2_466_250_752,
            )
        )
    ],
)


@register(paper=PAPER, published={"boolnet": _PUBLISHED})
def boolnet(
    layers: int = 18,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    slices: int = 4,
    **quantized: Any,
) -> Classifier:
    """BoolNet (Guo et al., arXiv:2106.06991): feature maps of bits, k for each value, and no sums of reals.

    As in the authors' code of BoolNet (k = 4) with binary downsampling, these parts are real: the stem with
    the thresholds after it, the end of the last block, a PReLU and the classifier. A schedule lowers the
    weights' temperature while the net trains, see `BoolNetBlock`.

    Args:
        layers: number of layers, 18 or 34.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        slices: k, bits of a value: 1 or an even number that divides 64.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].

    Raises:
        ValueError: the number of layers, of slices or the stem is not known.
    """
    require_layers(layers, CONVOLUTIONS)
    stem = make_stem(initial_layers, thumbnail, activation=None)
    features = [stem, GhostNormSign(CHANNELS[0], slices)]
    inputs = CHANNELS[0]
    for stage, (channels, convolutions) in enumerate(zip(CHANNELS, CONVOLUTIONS[layers])):
        for number in range(convolutions // 2):
            features.append(
                BoolNetBlock(
                    channels,
                    strides=2 if stage and not number else 1,
                    in_channels=inputs,
                    slices=slices,
                    last=channels == CHANNELS[-1] and number == convolutions // 2 - 1,
                    **quantized,
                )
            )
            inputs = 2 * channels
    return Classifier([*features, PReLU(CHANNELS[-1]), *head(relu=False)], CHANNELS[-1], classes)
