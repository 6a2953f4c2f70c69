"""One bit that is 0 or 1."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Quantizer, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import sign, straight_through, within
from bmx.gluon.tensor import Tensor


@register("ste_heaviside")
class SteHeaviside(Quantizer):
    r"""The Heaviside step with the clipped straight-through estimator: activations that are 0 or 1.

    Forward::

        q(x) = 0 if x < 0 else 1          (0, -0.0 and NaN give 1)

    Backward::

        dC/dx = dC/dq if |x| <= clip else 0

    Paper: Geiger and Team, Larq, Journal of Open Source Software 5(45), 1746 (its ``ste_heaviside``, where 0
    gives 0).

    Args:
        clip: gradient canceling threshold; None is the identity estimator.
    """

    kind = "unsigned"

    def __init__(self, clip: float | None = 1.0) -> None:
        require(self, "clip", clip, clip is None or clip >= 0, ">= 0 or None")
        self.clip = clip

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """0 or 1."""
        codes = F.round(F.clip(sign(F, x) * 0.5 + 0.5, 0, 1))
        if current_lowering() == "inference":
            return codes
        return straight_through(F, codes, within(F, x, self.clip))
