"""Signs whose gradient is the slope of a curve instead of a window."""

from __future__ import annotations

import math
from typing import Any

from bmx.gluon.nn.quantizers.base import require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.sign import SignQuantizer
from bmx.gluon.nn.quantizers.straight_through import keep, sloped, within
from bmx.gluon.tensor import Tensor


@register("approx_sign")
class ApproxSign(SignQuantizer):
    r"""Sign with the gradient of a piecewise quadratic function.

    Forward::

        q(x) = -1 if x < 0 else +1

    Backward::

        dC/dx = dC/dq * (2 - 2 |x|) if |x| <= 1 else 0

    Outside [-1, 1], where 2 - 2 |x| is negative, there is no gradient, whatever the ``clip`` of a layer.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278.
    """

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        x = within(F, x, 1)
        return sloped(F, x, 2 - 2 * F.abs(x))


@register("swish_sign")
class SwishSign(SignQuantizer):
    r"""Sign with the gradient of SignSwish, a smooth step whose slope is negative around it.

    Forward::

        q(x) = -1 if x < 0 else +1

    Backward, with z = beta x::

        dC/dx = dC/dq * beta * (2 - z tanh(z / 2)) / (1 + cosh z) if |z| <= 80 else 0

    Beyond |z| = 80 the formula gives less than 1e-31 beta.

    Paper: Darabi et al., Regularized Binary Network Training, arXiv:1812.11800.

    Args:
        beta: steepness, above 0.
    """

    def __init__(self, beta: float = 5.0) -> None:
        require(self, "beta", beta, 0 < beta < math.inf, "> 0")
        self.beta = beta

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        x = within(F, x, 80 / self.beta)
        z = x * self.beta
        return sloped(F, x, self.beta * (2 - z * F.tanh(z / 2)) / (1 + F.cosh(z)))


@register("leaky_sign")
class LeakySign(SignQuantizer):
    r"""Sign with a clipped straight-through estimator that leaks: no weight or input ever stops learning.

    Forward::

        q(x) = -1 if x < 0 else +1

    Backward::

        dC/dx = dC/dq if |x| <= clip else dC/dq * slope

    NaN and infinities get no gradient.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278, whose float nets start with this leaky clip.

    Args:
        clip: half the width of the window, at least 0; None makes it infinite.
        slope: gradient outside of the window, at least 0.
    """

    def __init__(self, clip: float | None = 1.0, slope: float = 0.1) -> None:
        require(self, "clip", clip, clip is None or clip >= 0, ">= 0 or None")
        require(self, "slope", slope, 0 <= slope < math.inf, ">= 0")
        self.clip = clip
        self.slope = slope

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        x = within(F, x, None)
        if self.clip is None:
            return x
        inside = F.abs(x) <= self.clip
        return sloped(F, x, inside + (1 - inside) * self.slope)


@register("leaky_tanh_sign")
class LeakyTanhSign(SignQuantizer):
    r"""Sign with the gradient of a hyperbolic tangent that leaks.

    Forward::

        q(x) = -1 if x < 0 else +1

    Backward::

        dC/dx = dC/dq * max(1 - tanh(x)^2, slope)

    NaN and infinities get no gradient.

    Paper: none; it is `LeakySign` made smooth, and with slope 0 the straight-through estimator of a tanh.

    Args:
        slope: the least slope, at least 0.
    """

    def __init__(self, slope: float = 0.1) -> None:
        require(self, "slope", slope, 0 <= slope < math.inf, ">= 0")
        self.slope = slope

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        x = within(F, x, None)
        return sloped(F, x, F.maximum(1 - F.square(F.tanh(x)), self.slope))


@register("fourier_sign")
class FourierSign(SignQuantizer):
    r"""Sign with the gradient of the first terms of a square wave's Fourier series.

    Forward::

        q(x) = -1 if x < 0 else +1

    Backward::

        dC/dx = dC/dq * 4 omega / pi * sum_{i < terms} cos((2 i + 1) omega x) if |omega x| < pi else 0

    The period 2 pi / omega should cover the inputs. Near its ends the wave falls: the gradient is negative.

    Paper: Xu et al., Learning Frequency Domain Approximation for Binary Neural Networks, arXiv:2103.00841,
    without its noise adaptation module.

    Args:
        terms: number of terms of the series, 1 to 64.
        omega: angular frequency, above 0.
    """

    def __init__(self, terms: int = 10, omega: float = 1.0) -> None:
        require(self, "terms", terms, terms in range(1, 65), "from 1 to 64")
        require(self, "omega", omega, 0 < omega < math.inf, "> 0")
        self._terms = int(terms)
        self.omega = omega

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        x = keep(F, F.abs(x * self.omega) < math.pi, x)
        # Not F.add_n: before a BlockGrad its backward pass crashes in MXNet 1.9.1.
        waves = sum(F.cos(x * (self.omega * (2 * i + 1))) for i in range(self._terms))
        return sloped(F, x, waves * (4 * self.omega / math.pi))
