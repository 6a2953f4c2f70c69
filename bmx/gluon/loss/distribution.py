"""Losses that bring a student's class probabilities to those of a teacher."""

from __future__ import annotations

from typing import Any

from bmx.gluon.arguments import require
from bmx.gluon.loss.base import SampleLoss
from bmx.gluon.tensor import Tensor


class DistributionLoss(SampleLoss):
    r"""Cross-entropy of the student's probabilities with those of the teacher, without labels.

    For one sample with logits s and t::

        L = -sum_c softmax(t)_c * log softmax(s)_c
        dL/ds = softmax(s) - softmax(t)

    The teacher gets no gradient.

    Paper: Liu et al., ReActNet, arXiv:2003.03488. It differs from the divergence of the two by the
    teacher's entropy, which is constant.

    Args:
        axis: axis of the classes.
        weight: factor of the whole loss; None for 1.
        batch_axis: axis of the samples.
        **kwargs: arguments of every Gluon Block.

    Inputs:
        - **student**: logits, float32 [batch, classes], or more axes.
        - **teacher**: logits, likewise.
        - **sample_weight**: None, or broadcasts against [batch, 1].

    Outputs:
        - **loss**: float32 [batch].
    """

    def __init__(
        self, axis: int = -1, weight: float | None = None, batch_axis: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        self._axis = axis

    def hybrid_forward(
        self, F: Any, student: Tensor, teacher: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        target = F.BlockGrad(F.softmax(teacher, axis=self._axis))
        terms = target * F.log_softmax(student, axis=self._axis)
        return self.per_sample(F, -F.sum(terms, axis=self._axis, keepdims=True), sample_weight)


class KnowledgeDistillation(SampleLoss):
    r"""Divergence of the teacher's softened probabilities from the student's.

    For one sample with logits s and t and temperature T::

        L = T^2 * sum_c p_c * (log p_c - log q_c)       p = softmax(t / T), q = softmax(s / T)
        dL/ds = T * (q - p)

    T^2 keeps the size of the gradient when T changes. The teacher gets no gradient. The paper adds a loss
    of the labels.

    Paper: Hinton et al., Distilling the Knowledge in a Neural Network, arXiv:1503.02531, section 2.

    Args:
        temperature: T, above 0.
        axis: axis of the classes.
        weight: factor of the whole loss; None for 1.
        batch_axis: axis of the samples.
        **kwargs: arguments of every Gluon Block.

    Inputs:
        - **student**: logits, float32 [batch, classes], or more axes.
        - **teacher**: logits, likewise.
        - **sample_weight**: None, or broadcasts against [batch, 1].

    Outputs:
        - **loss**: float32 [batch].

    Raises:
        ValueError: if ``temperature`` is not above 0.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        axis: int = -1,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, batch_axis, **kwargs)
        require("loss.KnowledgeDistillation", "temperature", temperature, temperature > 0, "> 0")
        self._temperature = temperature
        self._axis = axis

    def hybrid_forward(
        self, F: Any, student: Tensor, teacher: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        log_p = F.BlockGrad(F.log_softmax(teacher / self._temperature, axis=self._axis))
        log_q = F.log_softmax(student / self._temperature, axis=self._axis)
        divergence = F.sum(F.exp(log_p) * (log_p - log_q), axis=self._axis, keepdims=True)
        return self.per_sample(F, self._temperature**2 * divergence, sample_weight)
