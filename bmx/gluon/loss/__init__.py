"""Losses of binary networks' recipes, in the manner of ``mxnet.gluon.loss``: one number for each sample."""

from bmx.gluon.loss.attention import AttentionMatching
from bmx.gluon.loss.distribution import DistributionLoss, KnowledgeDistillation
from bmx.gluon.loss.hinge import SquaredHinge
from bmx.gluon.loss.smoothing import LabelSmoothing

__all__ = [
    "AttentionMatching",
    "DistributionLoss",
    "KnowledgeDistillation",
    "LabelSmoothing",
    "SquaredHinge",
]
