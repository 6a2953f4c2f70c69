"""The loss that a step lowers: of labels, mixed or smoothed, and against a teacher."""

from __future__ import annotations

from typing import Any, Callable

from mxnet import gluon

from bmx.training.distill import Teacher
from bmx.training.mixup import Mixed

Criterion = Callable[[Any, Any], Any]


class Objective:
    """Loss of a batch.

    Args:
        net: net whose output is logits.
        criterion: function from logits [batch, classes] and labels [batch] to the loss of each sample.
        weight: weight of the labels' loss.
        teacher: loss against a teacher; None for none.
    """

    def __init__(
        self,
        net: gluon.Block,
        criterion: Criterion | None = None,
        weight: float = 1.0,
        teacher: Teacher | None = None,
    ) -> None:
        self._net = net if teacher is None else teacher.student
        self._criterion = criterion or gluon.loss.SoftmaxCrossEntropyLoss()
        self._weight = weight
        self._teacher = teacher

    def __call__(self, batch: Mixed) -> tuple[Any, Any]:
        """The loss of each sample [batch], and the logits; to be called while recording."""
        outputs = self._net(batch.images)
        logits = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        loss: Any = None
        if self._weight:
            loss = self._labels(logits, batch) * self._weight
        if self._teacher is not None:
            against = self._teacher.loss(outputs, batch.images)
            loss = against if loss is None else loss + against
        return loss, logits

    def _labels(self, logits: Any, batch: Mixed) -> Any:
        loss = self._criterion(logits, batch.labels)
        if batch.others is None:
            return loss
        return batch.share * loss + (1 - batch.share) * self._criterion(logits, batch.others)
