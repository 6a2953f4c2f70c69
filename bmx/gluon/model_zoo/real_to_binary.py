"""Real-to-Binary nets (Martinez et al., arXiv:2003.11535)."""

from __future__ import annotations

from typing import Any

from bmx.gluon.model_zoo.registry import register
from bmx.gluon.model_zoo.support.classifier import Classifier, head, make_stem
from bmx.gluon.model_zoo.support.publication import IN_PAPER, Case, Counts, Paper, Published
from bmx.gluon.model_zoo.support.residual import CHANNELS, residual_stages
from bmx.gluon.nn.blocks.real_to_binary import RealToBinaryBlock
from bmx.gluon.nn.prelu import PReLU

PAPER = Paper("Real-to-Binary", "2003.11535")
_PUBLISHED = Published(
    65.4,
    IN_PAPER,
    [Case(Counts(mib=5.13)), Case(Counts(params=11_995_624), convention="larq")],
)


@register(paper=PAPER, published={"real_to_binary": _PUBLISHED})
def real_to_binary(
    classes: int = 1000, thumbnail: bool = False, initial_layers: str = "imagenet", **quantized: Any
) -> Classifier:
    """Real-to-Binary's ResNet-18 (Martinez et al., arXiv:2003.11535). Arguments as those of `birealnet`."""
    stem = make_stem(initial_layers, thumbnail, activation=PReLU(CHANNELS[0]))
    features = [stem, *residual_stages(RealToBinaryBlock, 18, **quantized), *head(relu=False)]
    return Classifier(features, CHANNELS[-1], classes)
