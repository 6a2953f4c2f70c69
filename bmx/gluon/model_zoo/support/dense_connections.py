"""Stages of the densely connected nets: units that append channels, and transitions."""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple

from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.model_zoo.support.classifier import Classifier, head
from bmx.gluon.nn.blocks.binarydensenet import Transition

GROWTH = 64
_SHUFFLE_GROUPS = 16
Blocks = Tuple[int, int, int, int]
Widths = Tuple[int, int, int]


def densely_connected(
    unit: Callable[..., HybridBlock],
    stem: HybridBlock,
    blocks: Sequence[int],
    transitions: Callable[[int, int], int],
    classes: int,
    groups: int = 1,
    dilations: Sequence[int] = (1, 1, 1, 1),
    **quantized: Any,
) -> Classifier:
    """Stages of units that append `GROWTH` channels each, transitions between them, and the head."""
    features, channels = [stem], GROWTH
    for stage, count in enumerate(blocks):
        if stage:
            inputs, channels = channels, transitions(stage - 1, channels)
            features.append(
                Transition(
                    channels,
                    inputs,
                    pool=dilations[stage] == 1,
                    groups=groups,
                    shuffle_groups=_SHUFFLE_GROUPS if groups > 1 else 1,
                )
            )
        for _ in range(count):
            features.append(unit(GROWTH, channels, dilation=dilations[stage], **quantized))
            channels += GROWTH
    return Classifier([*features, nn.BatchNorm(in_channels=channels), *head()], channels, classes)
