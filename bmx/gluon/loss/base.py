"""What the losses share."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.loss import Loss


class SampleLoss(Loss):
    """A loss whose values are weighted and then averaged within each sample.

    Args:
        weight: of the whole loss; None for 1.
        batch_axis: the axis that tells samples apart.
        **kwargs: as of a Gluon Block.
    """

    def __init__(self, weight: float | None = None, batch_axis: int = 0, **kwargs: Any) -> None:
        super().__init__(weight, batch_axis, **kwargs)

    def per_sample(self, F: Any, loss: Any, sample_weight: Any) -> Any:
        """[batch]: the mean of each sample.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            loss: [batch, ...], the batch at its axis.
            sample_weight: broadcasts against ``loss``; or None.
        """
        if sample_weight is not None:
            loss = F.broadcast_mul(loss, sample_weight)
        if self._weight is not None:
            loss = loss * self._weight
        return F.mean(loss, axis=self._batch_axis, exclude=True)
