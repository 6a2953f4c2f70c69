"""MeliusNet and NaiveNet (Bethge et al., arXiv:2001.05936)."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, make_stem
from bmx.gluon.model_zoo.support.dense_connections import Blocks, Widths, densely_connected
from bmx.gluon.model_zoo.support.publication import (
    BMXNET_WIKI,
    CIFAR10,
    CIFAR100,
    IMAGENET_STEM,
    Case,
    Counts,
    Paper,
    Published,
)
from bmx.gluon.nn.blocks.binarydensenet import BinaryDenseLayer, transition_channels
from bmx.gluon.nn.blocks.meliusnet import ImprovementBlock, MeliusUnit
from bmx.gluon.nn.blocks.parts import sequence

PAPER = Paper("MeliusNet", "2001.05936")
# Published, or added up from the paper's tables: grouped stem; a norm and a binary 3x3 convolution append 64
# channels, a second norm and convolution improve the last 64, or all of them in NaiveNet; a norm and a real
# 1x1 convolution, perhaps in groups, between stages.
_PUBLISHED = {
    "meliusnet22": Published(
        63.6,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=6_944_584,
                    binary_params=6_119_424,
                    mib=3.877,
                    float_macs=135.88e6,
                    binary_macs=4.624e9,
                    ops=208.1e6,
                )
            ),
            Case(Counts(params=6_948_392, mib=3.892, ops=257.5e6), IMAGENET_STEM),
            Case(Counts(params=6_432_714, mib=1.925), CIFAR10),
            Case(Counts(params=6_478_884), CIFAR100),
        ],
    ),
    "meliusnet23": Published(
        cases=[
            Case(
                Counts(
                    params=8_187_784,
                    binary_params=7_446_528,
                    mib=3.715,
                    float_macs=73.87e6,
                    binary_macs=2.533e9,
                    ops=113.4e6,
                )
            ),
        ]
    ),
    "meliusnet29": Published(
        65.8,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=11_328_328,
                    binary_params=10_321_920,
                    mib=5.070,
                    float_macs=128.85e6,
                    binary_macs=5.470e9,
                    ops=214.3e6,
                )
            ),
            Case(Counts(params=11_332_136, mib=5.084, ops=263.7e6), IMAGENET_STEM),
            Case(Counts(params=10_689_738, mib=2.634), CIFAR10),
        ],
    ),
    "meliusnet42": Published(
        69.2,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=26_825_544,
                    binary_params=24_956_928,
                    mib=10.103,
                    float_macs=174.01e6,
                    binary_macs=9.693e9,
                    ops=325.5e6,
                )
            ),
        ],
    ),
    "meliusnet59": Published(
        70.7,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=55_555_336,
                    binary_params=52_641_792,
                    mib=17.390,
                    float_macs=245.76e6,
                    binary_macs=18.316e9,
                    ops=532.0e6,
                )
            ),
        ],
    ),
    "meliusneta": Published(
        63.4,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=9_238_984,
                    binary_params=8_441_856,
                    mib=4.047,
                    float_macs=86.73e6,
                    binary_macs=4.852e9,
                    ops=162.5e6,
                )
            ),
            Case(Counts(params=8_568_714, mib=1.490), CIFAR10),
        ],
    ),
    "meliusnetb": Published(
        65.7,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=12_239_176,
                    binary_params=11_280_384,
                    mib=5.002,
                    float_macs=106.42e6,
                    binary_macs=5.722e9,
                    ops=195.8e6,
                )
            ),
        ],
    ),
    "meliusnetc": Published(
        64.1,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=12_240_264,
                    binary_params=11_427_840,
                    mib=4.461,
                    float_macs=82.21e6,
                    binary_macs=4.353e9,
                    ops=150.2e6,
                )
            ),
        ],
    ),
    "meliusnet_flex": Published(
        cases=[
            Case(
                Counts(
                    params=7_116_168,
                    binary_params=6_266_880,
                    mib=3.987,
                    float_macs=139.29e6,
                    binary_macs=4.653e9,
                    ops=212.0e6,
                )
            ),
        ]
    ),
}
_NAIVENET = Published(
    cases=[
        Case(
            Counts(
                params=10_002_440,
                binary_params=9_446_400,
                mib=3.247,
                float_macs=107.68e6,
                binary_macs=6.441e9,
                ops=208.3e6,
            )
        )
    ]
)

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


@register(
    names=_MELIUS,
    aliases={"meliusnet25_4": "meliusneta", "meliusnet29_2": "meliusnetb"},
    paper=PAPER,
    published=_PUBLISHED,
)
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
        blocks: number of units of each stage; a unit is a dense block, which appends 64 channels, and an
            improvement block.
        widths: channels after each transition; by default half of those before it, a multiple of 32.
        groups: groups of the transitions' 1x1 convolutions; with several, channels are shuffled before them.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'grouped_stem', 'imagenet' or 'thumbnail'.
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


@register(paper=PAPER, published={"naivenet17": _NAIVENET})
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
