"""BNext (Guo et al., arXiv:2211.12933)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.model_zoo.support.publication import AUTHORS_CODE, Case, Counts, Paper, Published
from bmx.gluon.nn.blocks.bnext import BNextBlock
from bmx.gluon.nn.blocks.reactnet import ReActStem
from bmx.gluon.nn.prelu import PReLU

PAPER = Paper("BNext", "2211.12933")
_PUBLISHED = {
    "bnext_t": Published(72.4, AUTHORS_CODE, [Case(Counts(binary_macs=4.817e9))]),
    "bnext_s": Published(76.1, AUTHORS_CODE, [Case(Counts(binary_macs=10.838e9), slow=True)]),
    "bnext_m": Published(78.3, AUTHORS_CODE, [Case(Counts(binary_macs=20.086e9), slow=True)]),
    "bnext_l": Published(80.6, AUTHORS_CODE, [Case(Counts(binary_macs=52.151e9), slow=True)]),
}

_NETS: dict[str, dict[str, Any]] = {
    "bnext_t": {"width": 32, "blocks": (1, 2, 2, 6, 2)},
    "bnext_s": {"width": 48, "blocks": (1, 2, 2, 6, 2)},
    "bnext_m": {"width": 48, "blocks": (1, 4, 4, 8, 4)},
    "bnext_l": {"width": 64, "blocks": (1, 4, 4, 16, 4)},
}


@register(names=_NETS, paper=PAPER, published=_PUBLISHED)
def bnext(
    width: int = 32,
    blocks: tuple[int, int, int, int, int] = (1, 2, 2, 6, 2),
    classes: int = 1000,
    **quantized: Any,
) -> Classifier:
    """BNext.

    Args:
        width: channels of the stem; each stage has twice those of the one before.
        blocks: number of blocks of each stage.
        classes: number of classes.
        **quantized: further arguments of the binary convolutions.

    Returns:
        The net. Input: float32 [batch, 3, 224, 224]. Output: logits [batch, classes].
    """
    features: list[Any] = [ReActStem(width, in_channels=3)]
    inputs, number = width, 0
    for stage, count in enumerate(blocks):
        for block in range(count):
            channels = width * 2 ** (stage + 1)
            strides = 2 if stage and not block else 1
            features.append(
                BNextBlock(channels, strides, in_channels=inputs, attention=number % 2 == 0, **quantized)
            )
            inputs, number = channels, number + 1
    return Classifier([*features, PReLU(inputs), *head(relu=False)], inputs, classes)
