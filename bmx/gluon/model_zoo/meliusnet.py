"""MeliusNet and NaiveNet (Bethge et al., arXiv:2001.05936)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, make_stem
from bmx.gluon.model_zoo.support.dense_connections import Blocks, Widths, densely_connected
from bmx.gluon.nn.blocks.binarydensenet import BinaryDenseLayer, transition_channels
from bmx.gluon.nn.blocks.meliusnet import ImprovementBlock, MeliusUnit
from bmx.gluon.nn.blocks.parts import sequence

_MELIUS: dict[str, dict[str, Any]] = {
    "meliusnet22": {"blocks": (4, 5, 4, 4), "widths": (160, 224, 256)},
    "meliusnet23": {"blocks": (2, 4, 6, 6), "widths": (128, 192, 288), "groups": 8},
    "meliusnet29": {"blocks": (4, 6, 8, 6), "widths": (128, 192, 256)},
    "meliusnet42": {"blocks": (5, 8, 14, 10), "widths": (160, 256, 416)},
    "meliusnet59": {"blocks": (6, 12, 24, 12), "widths": (192, 320, 544)},
    "meliusneta": {"blocks": (4, 5, 5, 6), "widths": (160, 256, 288), "groups": 4},
    "meliusnetb": {"blocks": (4, 6, 8, 6), "widths": (160, 224, 320), "groups": 2},
    "meliusnetc": {"blocks": (3, 5, 10, 6), "widths": (128, 192, 288), "groups": 4},
    "meliusnet_flex": {},
}


@register(names=_MELIUS, aliases={"meliusnet25_4": "meliusneta", "meliusnet29_2": "meliusnetb"})
def meliusnet(
    blocks: Blocks = (4, 5, 4, 4),
    widths: Widths | None = None,
    groups: int = 1,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "grouped_stem",
    **quantized: Any,
) -> Classifier:
    """MeliusNet (Bethge et al., arXiv:2001.05936).

    Args:
        blocks: units of each stage: a dense block, which appends 64 channels, and an improvement block.
        widths: channels behind each transition; by default half of those before it, a multiple of 32.
        groups: of the transitions' 1x1 convolutions; with several, channels are shuffled before.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'grouped_stem', 'imagenet' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    return densely_connected(
        MeliusUnit,
        make_stem(initial_layers, thumbnail),
        blocks,
        lambda stage, channels: widths[stage] if widths else transition_channels(channels, 2),
        classes,
        groups,
        **quantized,
    )


@register
def naivenet17(
    classes: int = 1000, thumbnail: bool = False, initial_layers: str = "grouped_stem", **quantized: Any
) -> Classifier:
    """NaiveNet-17: as MeliusNet, but the improvement blocks improve all channels (arXiv:2001.05936).

    Arguments as those of `meliusnet`.
    """
    widths = (128, 160, 192)
    return densely_connected(
        _naive_unit,
        make_stem(initial_layers, thumbnail),
        (3, 3, 3, 3),
        lambda stage, channels: widths[stage],
        classes,
        **quantized,
    )


def _naive_unit(growth: int, in_channels: int, **arguments: Any) -> HybridBlock:
    channels = in_channels + growth
    return sequence(
        BinaryDenseLayer(growth, in_channels, **arguments),
        ImprovementBlock(channels, channels, **arguments),
    )
