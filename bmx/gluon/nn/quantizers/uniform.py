"""Quantizers to k bits with equal distances between codes."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Quantizer, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import keep, like, straight_through
from bmx.gluon.tensor import Tensor


def require_bits(owner: Any, bits: Any, least: int = 1) -> None:
    """Raise ValueError unless ``bits`` is an integer from ``least`` to 8."""
    fits = isinstance(bits, int) and not isinstance(bits, bool) and least <= bits <= 8
    require(owner, "bits", bits, fits, f"from {least} to 8")


@register("dorefa", "wrpn")
class DoReFa(Quantizer):
    r"""Activations in k bits between 0 and 1.

    Forward, with n = 2^bits - 1::

        q(x) = round(n * min(max(x, 0), 1)) / n          codes 0 to n, scale 1 / n

    Halves are rounded up. Backward::

        dC/dx = dC/dq if 0 <= x <= 1 else 0

    Paper: Zhou et al., DoReFa-Net, arXiv:1606.06160, equations 5 and 6; Mishra et al., WRPN,
    arXiv:1709.01134, which quantizes activations alike.

    Args:
        bits: bits of a code, 1 to 8.
    """

    kind = "unsigned"

    def __init__(self, bits: int = 2) -> None:
        require_bits(self, bits)
        self.bits = bits

    @property
    def largest(self) -> int:
        """The largest code."""
        return 2**self.bits - 1

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """Integers from 0 to n."""
        scaled = x * self.largest
        codes = F.round(F.clip(scaled, 0, self.largest))
        if current_lowering() == "inference":
            return codes
        return straight_through(F, codes, keep(F, (x >= 0) * (x <= 1), scaled))

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor | float | None:
        """The scale 1 / n."""
        return 1 / self.largest


@register("pixels")
class Pixels(DoReFa):
    r"""The 8-bit pixels of an image that was scaled to [0, 1]: `DoReFa` with 8 bits.

    Forward::

        q(x) = round(255 * min(max(x, 0), 1)) / 255          codes 0 to 255, the pixels; scale 1 / 255

    Backward::

        dC/dx = dC/dq if 0 <= x <= 1 else 0

    A first layer with it computes with integers. Normalization by mean and standard deviation belongs after
    the layer, into its BatchNorm.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830 (first layer).

    Args:
        integers: whether the scale is 1, so that q(x) is the pixel and dot products are integers, as
            `BinaryBatchNorm` expects them.
    """

    def __init__(self, integers: bool = False) -> None:
        super().__init__(bits=8)
        self.integers = integers

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor | float | None:
        """The scale 1 / 255, or 1."""
        return None if self.integers else super().scale(F, x, **learned)


@register("dorefa_weight")
class DoReFaWeight(Quantizer):
    r"""Weights in k bits between -1 and 1, after a tanh.

    Forward, with n = 2^bits - 1::

        t = tanh(w) / max |tanh(w)|
        q(w) = 2 * round(n * (t + 1) / 2) / n - 1        odd codes -n to n, scale 1 / n

    Backward: the rounding passes the gradient, the maximum is a constant::

        dC/dw = dC/dq * (1 - tanh(w)^2) / max |tanh(w)|

    Paper: Zhou et al., DoReFa-Net, arXiv:1606.06160, equation 9. One bit is `DetSign`.

    Args:
        bits: bits of a code, 2 to 8.
    """

    kind = "signed"

    def __init__(self, bits: int = 2) -> None:
        require_bits(self, bits, least=2)
        self.bits = bits

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """Odd integers from -n to n."""
        largest = 2**self.bits - 1
        squashed = F.tanh(x)
        peak = F.BlockGrad(F.max(F.abs(squashed), keepdims=True))
        unit = squashed / like(F, peak + (peak == 0), squashed)
        codes = 2 * F.round((unit + 1) * (largest / 2)) - largest
        return straight_through(F, codes, unit * largest)

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor | float | None:
        """The scale 1 / n."""
        return 1 / (2**self.bits - 1)
