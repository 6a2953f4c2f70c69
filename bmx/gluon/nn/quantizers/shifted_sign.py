"""Sign at a learned threshold."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.quantizers.base import Learned
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.shaped_sign import ApproxSign
from bmx.gluon.tensor import Tensor


@register("rsign")
class RSign(ApproxSign):
    r"""Sign of the input plus a number that each channel learns.

    Forward, with the shift b of the channel::

        q(x) = -1 if x + b < 0 else +1

    Backward, with y = x + b::

        dC/dx = dC/dq * (2 - 2 |y|) if |y| <= 1 else 0
        dC/db = sum of dC/dx over the channel

    b starts at 0. The paper subtracts it.

    Paper: Liu et al., ReActNet, arXiv:2003.03488.
    """

    learned = (Learned("shift", per_channel=True),)

    def latent(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return F.broadcast_add(x, learned["shift"])
