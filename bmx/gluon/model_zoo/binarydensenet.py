"""BinaryDenseNet (Bethge et al., arXiv:1906.08637)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, make_stem
from bmx.gluon.model_zoo.support.dense_connections import Blocks, densely_connected
from bmx.gluon.model_zoo.support.publication import (
    BMXNET_WIKI,
    CIFAR10,
    CIFAR100,
    GROUPED_STEM,
    LARQ_ZOO,
    Case,
    Counts,
    Paper,
    Published,
)
from bmx.gluon.nn.blocks.binarydensenet import BinaryDenseLayer, transition_channels

PAPER = Paper("BinaryDenseNet", "1906.08637")
# Published, or added up from the paper's table: stem 7x7; a norm and a binary 3x3 convolution append 64
# channels; a norm and a real 1x1 convolution between stages. The sums are the published ones where there are
# any.
_PUBLISHED = {
    "binarydensenet28": Published(
        61.7,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=5_131_496,
                    binary_params=4_202_496,
                    mib=4.045,
                    float_macs=201.91e6,
                    binary_macs=3.587e9,
                    ops=258.0e6,
                )
            ),
            Case(Counts(mib=4.030, ops=208.6e6), GROUPED_STEM),
            Case(Counts(params=4_552_458, mib=1.836), CIFAR10),
            Case(Counts(params=4_604_388), CIFAR100),
            Case(Counts(params=5_150_504), convention="larq"),
        ],
    ),
    "binarydensenet37": Published(
        63.3,
        BMXNET_WIKI,
        [
            Case(
                Counts(
                    params=8_702_248,
                    binary_params=7_593_984,
                    mib=5.133,
                    float_macs=199.10e6,
                    binary_macs=4.507e9,
                    ops=269.5e6,
                )
            ),
            Case(Counts(mib=5.118, ops=220.1e6), GROUPED_STEM),
            Case(Counts(params=8_059_850, mib=2.682), CIFAR10),
            Case(Counts(params=8_117_540), CIFAR100),
            Case(Counts(params=8_734_120), convention="larq"),
        ],
    ),
    # The last two stages keep the size.
    "binarydensenet37_dilated": Published(
        64.34,
        LARQ_ZOO,
        [
            Case(
                Counts(
                    params=8_702_248,
                    binary_params=7_593_984,
                    mib=5.133,
                    float_macs=451.99e6,
                    binary_macs=7.774e9,
                    ops=573.5e6,
                )
            )
        ],
    ),
    "binarydensenet45": Published(
        64.59,
        LARQ_ZOO,
        [
            Case(
                Counts(
                    params=13_889_512,
                    binary_params=12_349_440,
                    mib=7.347,
                    float_macs=243.30e6,
                    binary_macs=6.431e9,
                    ops=343.8e6,
                )
            )
        ],
    ),
    # Halved and rounded to a multiple of 32, ties to the even one: 448 -> 224, 608 -> 320, 704 -> 352.
    "binarydensenet_flex": Published(
        cases=[
            Case(
                Counts(
                    params=6_390_504,
                    binary_params=5_142_528,
                    mib=5.374,
                    float_macs=246.97e6,
                    binary_macs=3.861e9,
                    ops=307.3e6,
                )
            )
        ]
    ),
}

_BDN: dict[str, dict[str, Any]] = {
    "binarydensenet28": {"blocks": (6, 6, 6, 5), "reductions": (2.7, 2.7, 2.2)},
    "binarydensenet37": {"blocks": (6, 8, 12, 6), "reductions": (3.3, 3.3, 4)},
    "binarydensenet37_dilated": {"blocks": (6, 8, 12, 6), "reductions": (3.3, 3.3, 4), "dilated": True},
    "binarydensenet45": {"blocks": (6, 12, 14, 8), "reductions": (2.7, 3.3, 4)},
    "binarydensenet_flex": {},
}


@register(names=_BDN, paper=PAPER, published=_PUBLISHED)
def binarydensenet(
    blocks: Blocks = (6, 6, 6, 5),
    reductions: tuple[float, float, float] = (2, 2, 2),
    dilated: bool = False,
    classes: int = 1000,
    thumbnail: bool = False,
    initial_layers: str = "imagenet",
    **quantized: Any,
) -> Classifier:
    """BinaryDenseNet (Bethge et al., arXiv:1906.08637).

    Args:
        blocks: number of layers of each stage; each appends 64 channels.
        reductions: factors by which channels are reduced between stages, to a multiple of 32.
        dilated: the last two stages keep the size and dilate their convolutions, by 2 and 4.
        classes: number of classes.
        thumbnail: whether the stem is that for images of CIFAR's size.
        initial_layers: name of the stem: 'imagenet', 'grouped_stem' or 'thumbnail'.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    return densely_connected(
        BinaryDenseLayer,
        make_stem(initial_layers, thumbnail),
        blocks,
        lambda stage, channels: transition_channels(channels, reductions[stage]),
        classes,
        dilations=(1, 1, 2, 4) if dilated else (1, 1, 1, 1),
        **quantized,
    )
