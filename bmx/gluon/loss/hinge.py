"""The squared hinge of binarized neural networks."""

from __future__ import annotations

from typing import Any

from bmx.gluon.loss.base import SampleLoss
from bmx.gluon.tensor import Tensor


class SquaredHinge(SampleLoss):
    r"""Squared hinge of every class against the label.

    For one sample with outputs y, label k and K classes::

        t_c = +1 if c = k else -1
        L = mean_c max(0, 1 - t_c * y_c)^2
        dL/dy_c = -2 / K * t_c * max(0, 1 - t_c * y_c)

    A label outside 0 to K - 1 makes all t -1. ``gluon.loss.SquaredHingeLoss`` is the same for one
    given t.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830.

    Args:
        weight: factor of the whole loss; None for 1.
        **kwargs: arguments of every Gluon Block.

    Inputs:
        - **pred**: outputs, float32 [batch, classes].
        - **label**: class numbers [batch].
        - **sample_weight**: None, or broadcasts against [batch, classes].

    Outputs:
        - **loss**: float32 [batch].
    """

    def __init__(self, weight: float | None = None, **kwargs: Any) -> None:
        super().__init__(weight, **kwargs)

    def hybrid_forward(
        self, F: Any, pred: Tensor, label: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        classes = F.reshape(F.contrib.arange_like(pred, axis=1), shape=(1, -1))
        labels = F.reshape(F.cast(label, dtype="float32"), shape=(-1, 1))
        target = F.BlockGrad(2 * F.broadcast_equal(labels, classes) - 1)
        return self.per_sample(F, F.square(F.relu(1 - target * pred)), sample_weight)
