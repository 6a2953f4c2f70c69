"""Cross-entropy with smoothed labels."""

from __future__ import annotations

from typing import Any

from bmx.gluon.arguments import require
from bmx.gluon.loss.base import SampleLoss
from bmx.gluon.tensor import Tensor


class LabelSmoothing(SampleLoss):
    r"""Cross-entropy with class labels, a share of which is spread over all classes.

    For one sample with logits y, label k and K classes::

        L = -(1 - smoothing) * log softmax(y)_k - smoothing * mean_c log softmax(y)_c
        dL/dy = softmax(y) - (1 - smoothing) * onehot(k) - smoothing / K

    Papers: Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567, section 7; Bi-Real Net
    (arXiv:1808.00278) trains with 0.1.

    Args:
        smoothing: share that is spread, 0 (plain cross-entropy) to 1.
        axis: axis of the classes.
        weight: factor of the whole loss; None for 1.
        batch_axis: axis of the samples.
        **kwargs: arguments of every Gluon Block.

    Inputs:
        - **pred**: logits, float32 [batch, classes], or more axes.
        - **label**: class numbers [batch]: the shape of ``pred`` without the axis of classes.
        - **sample_weight**: None, or broadcasts against [batch, 1].

    Outputs:
        - **loss**: float32 [batch].

    Raises:
        ValueError: if ``smoothing`` is out of its range.
    """

    def __init__(
        self,
        smoothing: float = 0.1,
        axis: int = -1,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        require("loss.LabelSmoothing", "smoothing", smoothing, 0 <= smoothing <= 1, "from 0 to 1")
        self._smoothing = smoothing
        self._axis = axis

    def hybrid_forward(
        self, F: Any, pred: Tensor, label: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        log_p = F.log_softmax(pred, axis=self._axis)
        hit = F.pick(log_p, label, axis=self._axis, keepdims=True)
        spread = F.mean(log_p, axis=self._axis, keepdims=True)
        loss = -(1 - self._smoothing) * hit - self._smoothing * spread
        return self.per_sample(F, loss, sample_weight)
