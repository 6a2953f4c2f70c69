"""BinaryDenseNet (Bethge et al., arXiv:1906.08637)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, make_stem
from bmx.gluon.model_zoo.support.dense_connections import Blocks, densely_connected
from bmx.gluon.nn.blocks.binarydensenet import BinaryDenseLayer, transition_channels

_BDN: dict[str, dict[str, Any]] = {
    "binarydensenet28": {"blocks": (6, 6, 6, 5), "reductions": (2.7, 2.7, 2.2)},
    "binarydensenet37": {"blocks": (6, 8, 12, 6), "reductions": (3.3, 3.3, 4)},
    "binarydensenet37_dilated": {"blocks": (6, 8, 12, 6), "reductions": (3.3, 3.3, 4), "dilated": True},
    "binarydensenet45": {"blocks": (6, 12, 14, 8), "reductions": (2.7, 3.3, 4)},
    "binarydensenet_flex": {},
}


@register(names=_BDN)
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
        blocks: layers of each stage; each appends 64 channels.
        reductions: of the channels between stages, to a multiple of 32.
        dilated: the last two stages keep the size and dilate their convolutions, by 2 and 4.
        classes: number of classes.
        thumbnail: for images of CIFAR's size.
        initial_layers: stem, 'imagenet', 'grouped_stem' or 'thumbnail'.
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
