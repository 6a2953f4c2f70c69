"""Attention matching: a student looks where its teacher looks."""

from __future__ import annotations

from typing import Any

from bmx.gluon.arguments import require
from bmx.gluon.loss.base import SampleLoss
from bmx.gluon.tensor import Tensor

_SMALLEST = 1e-12


class AttentionMatching(SampleLoss):
    r"""Difference between two attention maps.

    For one sample with features a [channels, height, width]::

        Q = mean_c a_c^2
        A = Q / max Q        or with normalization='l2'        A = Q / sqrt(sum Q^2)
        L = mean over positions of (A_student - A_teacher)^2

    The teacher gets no gradient. Student and teacher may differ in channels, not in height and width. Sum
    over the stages of a net; Real-to-Binary nets add this to the loss of their logits with weight 30.

    Papers: Martinez et al., Real-to-Binary Convolutions, arXiv:2003.11535, section 4.2, with the maximum as
    Larq's reimplementation has it; Zagoruyko and Komodakis, Paying More Attention to Attention,
    arXiv:1612.03928, with the l2 norm.

    Args:
        normalization: norm of an attention map, 'max' or 'l2'.
        weight: factor of the whole loss; None for 1.
        **kwargs: arguments of every Gluon Block.

    Inputs:
        - **student**: float32 [batch, channels, height, width].
        - **teacher**: float32 [batch, its channels, height, width].
        - **sample_weight**: None, or broadcasts against [batch, 1].

    Outputs:
        - **loss**: float32 [batch].

    Raises:
        ValueError: if ``normalization`` is neither.
    """

    def __init__(self, normalization: str = "max", weight: float | None = None, **kwargs: Any) -> None:
        super().__init__(weight, **kwargs)
        require(
            "loss.AttentionMatching",
            "normalization",
            normalization,
            normalization in ("max", "l2"),
            "'max' or 'l2'",
        )
        self._normalization = normalization

    def hybrid_forward(
        self, F: Any, student: Tensor, teacher: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        difference = self._map(F, student) - F.BlockGrad(self._map(F, teacher))
        return self.per_sample(F, F.square(difference), sample_weight)

    def _map(self, F: Any, features: Tensor) -> Tensor:
        """The attention map A, [batch, height * width]; 0 where all features are 0."""
        attention = F.Flatten(F.mean(F.square(features), axis=1))
        if self._normalization == "max":
            norm = F.max(attention, axis=1, keepdims=True) + _SMALLEST
        else:
            norm = F.sqrt(F.sum(F.square(attention), axis=1, keepdims=True) + _SMALLEST**2)
        return F.broadcast_div(attention, norm)
