"""Sign with noise."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.quantizers.base import require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.sign import SignQuantizer
from bmx.gluon.nn.quantizers.straight_through import choose, in_training, sign, within
from bmx.gluon.tensor import Tensor


@register("stochastic_sign")
class StochasticSign(SignQuantizer):
    r"""Random sign whose mean is the input while training; otherwise the deterministic sign.

    Forward, training::

        q(x) = +1 with probability min(max((x + 1) / 2, 0), 1), otherwise -1          (NaN gives +1)

    Forward, inference::

        q(x) = -1 if x < 0 else +1

    Backward::

        dC/dx = dC/dq if |x| <= clip else 0

    Training means the same as for MXNet's Dropout: ``autograd.record()`` unless ``train_mode=False``.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830, equations 2 to 4.

    Args:
        clip: gradient canceling threshold; None is the identity estimator.
    """

    def __init__(self, clip: float | None = 1.0) -> None:
        require(self, "clip", clip, clip is None or clip >= 0, ">= 0 or None")
        self.clip = clip

    def value(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        noise = F.random.uniform_like(x, low=-1, high=1)
        # And x < 1, because rounding can make the noise 1.
        drawn = 1 - 2 * ((noise >= x) * (x < 1))
        return choose(F, in_training(F, x), drawn, sign(F, x))

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return within(F, x, self.clip)
