"""k-bit codes with a learned scale, which LSQ calls the step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Learned, Quantizer, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.straight_through import keep, like, straight_through
from bmx.gluon.nn.quantizers.uniform import require_bits
from bmx.gluon.tensor import Tensor

LEAST_STEP = 1e-8


class LearnedStep(Quantizer):
    """Base class of the two learned step size quantizers."""

    def __init__(self, bits: int, magnitude: float, least_bits: int) -> None:
        require_bits(self, bits, least=least_bits)
        require(self, "magnitude", magnitude, 0 < magnitude < math.inf, "> 0")
        self.bits = bits
        self.magnitude = magnitude
        self.learned = (Learned("step", self._initial(magnitude)),)

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest code."""
        raise NotImplementedError

    def count(self, F: Any, x: Tensor) -> Tensor:
        """The number of values that share the step, as an array with the axes of ``x``."""
        raise NotImplementedError

    def _initial(self, magnitude: float) -> float:
        return 2 * magnitude / math.sqrt(self.limits[1])

    def initial(self, values: np.ndarray) -> dict[str, float]:
        """2 mean|x| / sqrt(largest code), see `Quantizer`."""
        return {"step": max(self._initial(float(np.abs(values).mean())), LEAST_STEP)}

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """Integers within the limits."""
        low, high = self.limits
        step = self.scale(F, x, **learned)
        if current_lowering() == "inference":
            return F.round(F.clip(F.broadcast_div(x, step), low, high))
        step = like(F, step, x)
        quotient = F.BlockGrad(x) / F.BlockGrad(step)
        # Masked before the division: the derivative by the step of an infinite quotient is NaN times 0.
        inside = keep(F, (quotient > low) * (quotient < high), x)
        return straight_through(F, F.round(F.clip(quotient, low, high)), inside / step)

    def scale(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The step; its gradient is scaled by g."""
        step = F.maximum(F.abs(learned["step"]), LEAST_STEP)
        if current_lowering() == "inference":
            return step
        gain = F.rsqrt(self.count(F, x) * self.limits[1])
        return straight_through(F, step, F.broadcast_mul(step, F.BlockGrad(gain)))


@register("lsq")
class LSQ(LearnedStep):
    r"""Activations in k bits, unsigned, with a learned step.

    Forward, with the step s and n = 2^bits - 1::

        q(x) = s * round(min(max(x / s, 0), n))          codes 0 to n, scale s

    Backward, with g = 1 / sqrt(n * values in a sample)::

        dC/dx = dC/dq if 0 < x / s < n else 0
        dC/ds = g * sum of dC/dq * (round(x / s) - x / s if 0 < x / s < n, 0 below, n above)

    s starts at 2 magnitude / sqrt(n); `calibrate` measures mean|x| instead. A step that turns negative
    counts by its magnitude; the least step is 1e-8.

    Paper: Esser et al., Learned Step Size Quantization, arXiv:1902.08153, equations 1 to 5, section 2.2.

    Args:
        bits: bits of a code, 1 to 8.
        magnitude: mean|x| for which the initial step is made, above 0.
    """

    kind = "unsigned"

    def __init__(self, bits: int = 2, magnitude: float = 1.0) -> None:
        super().__init__(bits, magnitude, least_bits=1)

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest code."""
        return 0, 2**self.bits - 1

    def count(self, F: Any, x: Tensor) -> Tensor:
        """The number of values in a sample."""
        return F.sum(F.ones_like(F.slice_axis(x, axis=0, begin=0, end=1)), keepdims=True)


@register("lsq_weight")
class LSQWeight(LearnedStep):
    r"""Weights in k bits, signed, with a learned step for the layer.

    Forward, with the step s, m = 2^(bits - 1) and n = m - 1::

        q(w) = s * round(min(max(w / s, -m), n))          codes -m to n, scale s

    Backward, with g = 1 / sqrt(n * weights)::

        dC/dw = dC/dq if -m < w / s < n else 0
        dC/ds = g * sum of dC/dq * (round(w / s) - w / s if -m < w / s < n, -m below, n above)

    s starts at 2 magnitude / sqrt(n); `calibrate` measures mean|w| instead. A step that turns negative
    counts by its magnitude; the least step is 1e-8.

    Paper: Esser et al., Learned Step Size Quantization, arXiv:1902.08153, equations 1 to 5, section 2.2.

    Args:
        bits: bits of a code, 2 to 8.
        magnitude: mean|w| for which the initial step is made, above 0.
    """

    kind = "signed"

    def __init__(self, bits: int = 2, magnitude: float = 0.05) -> None:
        super().__init__(bits, magnitude, least_bits=2)

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest code."""
        return -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1

    def count(self, F: Any, x: Tensor) -> Tensor:
        """The number of weights of the layer."""
        return F.sum(F.ones_like(x), keepdims=True)
