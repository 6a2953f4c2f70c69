"""QuickNet (Bannink et al., Larq Compute Engine, arXiv:2011.09398)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.nn.blocks.quicknet import QuickNetBlock, QuickNetStem, QuickNetTransition

_NETS: dict[str, dict[str, Any]] = {
    "quicknet_small": {"channels": (32, 64, 256, 512)},
    "quicknet": {},
    "quicknet_large": {"blocks": (6, 8, 12, 6)},
}


@register(names=_NETS)
def quicknet(
    blocks: tuple[int, int, int, int] = (4, 4, 4, 4),
    channels: tuple[int, int, int, int] = (64, 128, 256, 512),
    classes: int = 1000,
    **quantized: Any,
) -> Classifier:
    """QuickNet (Larq Zoo).

    Args:
        blocks: binary convolutions of each stage.
        channels: of each stage.
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
