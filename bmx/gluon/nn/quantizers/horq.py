"""Signs of what earlier signs left."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Quantizer, Term, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import choose, keep, sign, straight_through, within
from bmx.gluon.tensor import Tensor

# Sums of 10^8 magnitudes up to this stay finite in float32.
LARGEST = 1e30


@register("horq")
class HORQ(Quantizer):
    r"""High-order residual quantization: each sign takes what the signs before it left.

    Forward, with R_0 = x and K the order::

        H_i = sign(R_{i-1})          codes -1 and +1
        beta_i = mean |R_{i-1}|          scales
        R_i = R_{i-1} - beta_i H_i
        q(x) = sum_{i <= K} beta_i H_i

    The mean goes over a sample (all axes but the first), or over a filter of weights, so that one stack of
    bits serves every window; the paper takes it over a window. It is the scale that shrinks the error most:
    ||R_i||^2 = ||R_{i-1}||^2 - n beta_i^2. Backward, the scales constant as in XNOR-Net, each sign with its
    clipped straight-through estimator m_i = 1 if |R_{i-1}| <= clip else 0, through the recursion::

        dR_i/dx = dR_{i-1}/dx * (1 - beta_i m_i)          dR_0/dx = 1
        dC/dx = sum_i dC/dH_i * m_i * dR_{i-1}/dx

    Magnitudes above 1e30 count as 1e30 while training, NaN as 0.

    Paper: Li et al., Performance Guaranteed Network Acceleration via High-Order Residual Quantization,
    arXiv:1708.08687.

    Args:
        order: number of signs of a value, 1 to 4.
        clip: gradient canceling threshold of each sign, at least 0; None is the identity estimator.
    """

    def __init__(self, order: int = 2, clip: float | None = 1.0) -> None:
        fits = isinstance(order, int) and not isinstance(order, bool) and 1 <= order <= 4
        require(self, "order", order, fits, "from 1 to 4")
        require(self, "clip", clip, clip is None or clip >= 0, ">= 0 or None")
        self.order = order
        self.clip = clip

    def terms(self, F: Any, x: Tensor, **learned: Tensor) -> list[Term]:
        """A term for each order."""
        training = current_lowering() != "inference"
        rest = _limited(F, x) if training else x
        found = []
        for number in range(self.order):
            codes = sign(F, rest)
            if training:
                codes = straight_through(F, codes, within(F, rest, self.clip))
            scale = F.BlockGrad(F.mean(F.abs(rest), axis=0, exclude=True, keepdims=True))
            found.append(Term(codes, scale))
            if number + 1 < self.order:
                rest = rest - F.broadcast_mul(codes, scale)
        return found


def _limited(F: Any, x: Tensor) -> Tensor:
    """The array where it is finite and not huge; what replaces other values has no gradient."""
    held = F.clip(x, -LARGEST, LARGEST)
    return keep(F, F.abs(x) <= LARGEST, x) + choose(F, F.abs(x) > LARGEST, held, F.zeros_like(x))
