"""The mean of a loss over each sample, weighted."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.loss import Loss

from bmx.gluon.tensor import Tensor


class SampleLoss(Loss):
    """A loss whose values are weighted and then averaged within each sample.

    Args:
        weight: factor of the whole loss; None for 1.
        batch_axis: axis of the samples.
        **kwargs: arguments of every Gluon Block.
    """

    def __init__(self, weight: float | None = None, batch_axis: int = 0, **kwargs: Any) -> None:
        super().__init__(weight, batch_axis, **kwargs)

    def per_sample(self, F: Any, loss: Tensor, sample_weight: Tensor | None) -> Tensor:
        """The mean of each sample, [batch].

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            loss: array [batch, ...], samples along the batch axis.
            sample_weight: array that broadcasts against ``loss``, or None.
        """
        if sample_weight is not None:
            loss = F.broadcast_mul(loss, sample_weight)
        if self._weight is not None:
            loss = loss * self._weight
        return F.mean(loss, axis=self._batch_axis, exclude=True)
