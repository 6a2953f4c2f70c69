"""k-bit weights between -1 and 1."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.quantizers.base import Quantizer
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import keep, straight_through
from bmx.gluon.nn.quantizers.uniform import require_bits
from bmx.gluon.tensor import Tensor


@register("wrpn_weight")
class WrpnWeight(Quantizer):
    r"""Weights in k bits: a sign and k - 1 bits of magnitude.

    Forward, with n = 2^(bits - 1) - 1::

        q(w) = round(n * min(max(w, -1), 1)) / n          codes -n to n, scale 1 / n

    Halves are rounded away from zero. Backward::

        dC/dw = dC/dq if |w| <= 1 else 0

    Paper: Mishra et al., WRPN, arXiv:1709.01134. Its activations are `DoReFa`, its weights of one bit
    `DetSign` with ``scaling='tensor'``.

    Args:
        bits: bits of a code, 2 to 8.
    """

    kind = "signed"

    def __init__(self, bits: int = 2) -> None:
        require_bits(self, bits, least=2)
        self.bits = bits

    @property
    def largest(self) -> int:
        """The largest code."""
        return 2 ** (self.bits - 1) - 1

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """Integers from -n to n."""
        codes = F.round(F.clip(x, -1, 1) * self.largest)
        return straight_through(F, codes, keep(F, F.abs(x) <= 1, x * self.largest))

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor | float | None:
        """The scale 1 / n."""
        return 1 / self.largest
