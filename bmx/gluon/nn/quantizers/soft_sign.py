"""Soft signs: real numbers while training that a schedule drives towards -1 and +1."""

from __future__ import annotations

import math
from typing import Any

from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers.base import Learned, require
from bmx.gluon.nn.quantizers.registry import register
from bmx.gluon.nn.quantizers.sign import SignQuantizer
from bmx.gluon.nn.quantizers.straight_through import choose, in_training, like, sign, within
from bmx.gluon.tensor import Tensor


class SoftSign(SignQuantizer):
    """Base class of signs that are soft while training."""

    soft = True

    def soften(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The values that stand for the signs while training."""
        raise NotImplementedError

    def value(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        # BlockGrad before `soften`: after it, MXNet would pass a gradient of 0, which times infinity is NaN.
        return choose(F, in_training(F, x), self.soften(F, F.BlockGrad(x), **learned), sign(F, x))


# Below this the hard tanh is the sign.
_LEAST_TEMPERATURE = 1e-7


@register("progressive_sign")
class ProgressiveSign(SoftSign):
    r"""Hard tanh that narrows to the sign as its temperature falls.

    Forward, training, with temperature T::

        q(x) = min(max(x / T, -1), 1) if T > 1e-7 else sign(x)

    Forward, inference::

        q(x) = -1 if x < 0 else +1

    Backward, whatever T::

        dC/dx = dC/dq if |x| <= window else 0

    The temperature is no weight: a schedule sets it; BNext has ``quantizer.set("temperature", 0.9**epoch)``.

    Paper: Guo et al., BNext, arXiv:2211.12933.

    Args:
        temperature: initial temperature, above 0.
        window: largest magnitude that passes gradients, at least 0.
    """

    def __init__(self, temperature: float = 1.0, window: float = 1.5) -> None:
        require(self, "temperature", temperature, 0 < temperature < math.inf, "> 0")
        require(self, "window", window, window >= 0, ">= 0")
        self.temperature = temperature
        self.window = window
        self.learned = (Learned("temperature", temperature, trained=False),)

    def soften(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        temperature = like(F, learned["temperature"], x)
        # Never a division by 0: not even a gradient of 0 survives its infinite derivative.
        soft = F.clip(x / F.maximum(temperature, _LEAST_TEMPERATURE), -1, 1)
        return F.where(temperature > _LEAST_TEMPERATURE, soft, sign(F, x))

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return within(F, x, self.window)


RESCALINGS = (None, "max", "std")


@register("tanh_sign")
class TanhSign(SoftSign):
    r"""Hyperbolic tangent that a schedule sharpens to the sign; trained by its true derivative.

    Forward, training, with y = x / r::

        q(x) = tanh(nu y)

    Forward, inference::

        q(x) = -1 if x < 0 else +1

    Backward, r constant::

        dC/dx = dC/dq * nu (1 - tanh(nu y)^2) / r

    r is 1 or, to keep weights in the range that learns as nu grows, the largest magnitude of the filter
    ('max') or its standard deviation ('std'). nu is no weight: a schedule sets it, from 1 to about
    1000: ``quantizer.set("nu", 1000 ** (epoch / epochs))``.

    Paper: Lahoud et al., Self-Binarizing Networks, arXiv:1902.00730.

    Args:
        nu: initial steepness, above 0.
        rescale: r of the formula: None, or 'max' or 'std' for weights.
    """

    def __init__(self, nu: float = 1.0, rescale: str | None = None) -> None:
        require(self, "nu", nu, 0 < nu < math.inf, "> 0")
        require(self, "rescale", rescale, rescale in RESCALINGS, "None, 'max' or 'std'")
        self.nu = nu
        self.rescale = rescale
        self.learned = (Learned("nu", nu, trained=False),)

    def latent(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        if self.rescale is None or current_lowering() == "inference":
            return x
        filters = {"axis": 0, "exclude": True, "keepdims": True}
        constant = F.BlockGrad(x)
        if self.rescale == "max":
            size = F.max(F.abs(constant), **filters)
        else:
            centered = F.broadcast_sub(constant, F.mean(constant, **filters))
            size = F.sqrt(F.mean(F.square(centered), **filters))
        # A filter of zeros stays as it is.
        return x / like(F, F.BlockGrad(size + (size == 0)), x)

    def soften(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return F.tanh(F.broadcast_mul(x, learned["nu"]))

    def surrogate(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return self.soften(F, within(F, x, None), **learned)
