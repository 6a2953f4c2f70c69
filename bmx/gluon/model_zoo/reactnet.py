"""ReActNet (Liu et al., arXiv:2003.03488)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import AUTHORS_CODE, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, residual_stages
from bmx.gluon.nn.blocks.reactnet import ReActBlock, ReActResNetBlock, ReActStem

PAPER = Paper("ReActNet", "2003.03488")
_RESNET18 = Published(
    65.9,
    AUTHORS_CODE,
    [
        Case(
            Counts(
                params=11_704_424,
                binary_params=10_985_472,
                mib=4.05,
                float_macs=137.28e6,
                binary_macs=1.676e9,
                ops=163.5e6,
            )
        )
    ],
)
_REACTNET_A = Published(
    69.5,
    AUTHORS_CODE,
    [
        Case(
            Counts(
                params=29_343_592,
                binary_params=28_253_184,
                mib=7.53,
                float_macs=10.84e6,
                binary_macs=4.817e9,
                ops=86.1e6,
            )
        )
    ],
)


@register(paper=PAPER, published={"react_resnet18": _RESNET18})
def react_resnet18(
    classes: int = 1000, thumbnail: bool = False, initial_layers: str = "imagenet", **quantized: Any
) -> Classifier:
    """ReActNet's ResNet-18 (Liu et al., arXiv:2003.03488). Arguments as those of `birealnet`."""
    stem = make_stem(initial_layers, thumbnail, activation=None)
    features = [stem, *residual_stages(ReActResNetBlock, 18, **quantized), *head(relu=False)]
    return Classifier(features, CHANNELS[-1], classes)


# (channels, strides) of each block after the stem's 32 channels.
_BLOCKS_A = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)),
)


@register(paper=PAPER, published={"reactnet_a": _REACTNET_A})
def reactnet_a(classes: int = 1000, **quantized: Any) -> Classifier:
    """ReActNet-A, MobileNet's layers with binary 3x3 convolutions (Liu et al., arXiv:2003.03488).

    Args:
        classes: number of classes.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    features: list[HybridBlock] = [ReActStem(32, in_channels=3)]
    inputs = 32
    for channels, strides in _BLOCKS_A:
        features.append(ReActBlock(channels, strides, in_channels=inputs, **quantized))
        inputs = channels
    return Classifier([*features, *head(relu=False)], inputs, classes)
