"""Quantizers whose codes are signs; they differ in latent values and gradients."""

from __future__ import annotations

import math
from typing import Any

from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Quantizer, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import sign, straight_through, within
from bmx.gluon.tensor import Tensor


class SignQuantizer(Quantizer):
    """Base class of quantizers whose codes at inference are sign(latent(x))."""

    kind = "signs"

    def latent(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The values whose signs are taken: ``x``, unless a subclass overrides this."""
        return x

    def value(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The codes of latent values: their signs, unless a subclass trains with others."""
        return sign(F, x)

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """A finite function of the latent values whose derivative is the gradient of the codes."""
        raise NotImplementedError

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """Exactly -1.0 or +1.0 for each value; soft quantizers give numbers in between while training."""
        x = self.latent(F, x, **learned)
        if current_lowering() == "inference":
            return sign(F, x)
        return straight_through(F, self.value(F, x, **learned), self.surrogate(F, x, **learned))


@register("det_sign", "ste_sign")
class DetSign(SignQuantizer):
    r"""Deterministic sign with the clipped straight-through estimator.

    Forward::

        q(x) = -1 if x < 0 else +1          (0, -0.0 and NaN give +1)

    Backward, with loss C::

        dC/dx = dC/dq if |x| <= clip else 0

    NaN and infinities get no gradient, with ``clip=None`` either.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830, equations 1 and 4.

    Args:
        clip: gradient canceling threshold; None is the identity estimator.
    """

    method: str | None = "det_sign"

    def __init__(self, clip: float | None = 1.0) -> None:
        require(self, "clip", clip, clip is None or clip >= 0, ">= 0 or None")
        self.clip = clip

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        if current_lowering() == "mixed" and self.method is not None:
            clip = math.inf if self.clip is None else self.clip
            return F.QActivation(guard(F, x), method=self.method, clip=clip)
        return super().codes(F, x, **learned)

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return within(F, x, self.clip)
