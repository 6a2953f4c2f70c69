"""QuickNet (Bannink et al., Larq Compute Engine, arXiv:2011.09398)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.model_zoo.support.publication import LARQ_ZOO, Case, Counts, Paper, Published
from bmx.gluon.nn.blocks.quicknet import QuickNetBlock, QuickNetStem, QuickNetTransition

PAPER = Paper("QuickNet", "https://docs.larq.dev/zoo/")
# Larq Zoo counts the 3x3 kernels of the blurs as parameters, a kernel for each channel that a transition
# reads; here they are constants. It counts two values a channel of a norm.
_PUBLISHED = {
    "quicknet_small": Published(
        59.4,
        LARQ_ZOO,
        [
            Case(
                Counts(params=12_655_688, mib=4.00, float_macs=15.43e6, binary_macs=1.156e9),
                constants=9 * (32 + 64 + 256),
            )
        ],
    ),
    "quicknet": Published(
        63.3,
        LARQ_ZOO,
        [
            Case(
                Counts(params=13_234_088, mib=4.17, float_macs=29.14e6, binary_macs=1.850e9),
                constants=9 * (64 + 128 + 256),
            )
        ],
    ),
    "quicknet_large": Published(
        66.9,
        LARQ_ZOO,
        [
            Case(
                Counts(params=23_342_248, mib=5.40, float_macs=29.14e6, binary_macs=3.699e9),
                constants=9 * (64 + 128 + 256),
            )
        ],
    ),
}

_NETS: dict[str, dict[str, Any]] = {
    "quicknet_small": {"channels": (32, 64, 256, 512)},
    "quicknet": {},
    "quicknet_large": {"blocks": (6, 8, 12, 6)},
}


@register(names=_NETS, paper=PAPER, published=_PUBLISHED)
def quicknet(
    blocks: tuple[int, int, int, int] = (4, 4, 4, 4),
    channels: tuple[int, int, int, int] = (64, 128, 256, 512),
    classes: int = 1000,
    **quantized: Any,
) -> Classifier:
    """QuickNet (Larq Zoo).

    Args:
        blocks: number of binary convolutions of each stage.
        channels: channels of each stage.
        classes: number of classes.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    features: list[Any] = [QuickNetStem(channels[0], in_channels=3)]
    for stage, (count, width) in enumerate(zip(blocks, channels)):
        if stage:
            features.append(QuickNetTransition(width, channels[stage - 1]))
        features += [QuickNetBlock(width, **quantized) for _ in range(count)]
    return Classifier([*features, *head()], channels[-1], classes)
