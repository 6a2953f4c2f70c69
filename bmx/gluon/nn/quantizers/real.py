"""No quantization."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.quantizers.base import Quantizer
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.tensor import Tensor


@register("identity")
class Identity(Quantizer):
    """Leaves an array real, as binary-weight networks leave their inputs.

    Forward::

        q(x) = x

    Backward::

        dC/dx = dC/dq

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279, section 3.1 (binary-weight networks).
    """

    kind = "real"
    bits = 32

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The array itself."""
        return x
