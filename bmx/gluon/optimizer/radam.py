"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

import math
from typing import Any

import mxnet as mx

from bmx.gluon.arguments import require
from bmx.gluon.optimizer.gradient import gradient


@mx.optimizer.register
class RAdam(mx.optimizer.Optimizer):
    r"""Rectified Adam; needs no warm-up.

    Update t = 1, 2, ... of a weight w, with gradient g (weight decay included)::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        rho_max = 2 / (1 - beta2) - 1
        rho = rho_max - 2 * t * beta2^t / (1 - beta2^t)
        r = sqrt((rho - 4) * (rho - 2) * rho_max / ((rho_max - 4) * (rho_max - 2) * rho))
        w = w - lr / (1 - beta1^t) * r * sqrt(1 - beta2^t) * m / (sqrt(v) + epsilon)   if rho > threshold
        w = w - lr / (1 - beta1^t) * m                                                 otherwise

    rho is the length of the simple moving average that v amounts to. The defaults are those of BMXNet-v2,
    which trained its published networks with them.

    Known to ``gluon.Trainer`` as 'radam'.

    Paper: Liu et al., On the Variance of the Adaptive Learning Rate, arXiv:1908.03265, algorithm 2.

    Args:
        learning_rate: lr of the formula.
        beta1: decay of the first moment, at least 0 and below 1.
        beta2: decay of the second moment, below 1 and at least 0.6, so that rho_max is at least 4.
        epsilon: addend of the denominator, above 0.
        threshold: least rho that is rectified, at least 4, where r is 0; the paper has 4.
        **kwargs: arguments of ``mxnet.optimizer.Optimizer``.

    Raises:
        ValueError: if a value is out of its range.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.95,
        beta2: float = 0.999,
        epsilon: float = 1e-5,
        threshold: float = 5.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        require("optimizer.RAdam", "beta1", beta1, 0 <= beta1 < 1, "at least 0 and below 1")
        require("optimizer.RAdam", "beta2", beta2, 0.6 <= beta2 < 1, "at least 0.6 and below 1")
        require("optimizer.RAdam", "epsilon", epsilon, epsilon > 0, "> 0")
        require("optimizer.RAdam", "threshold", threshold, threshold >= 4, ">= 4")
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.threshold = threshold

    def create_state(self, index: int, weight: mx.nd.NDArray) -> tuple[Any, Any]:
        """The moments m and v, shaped like the weight."""
        zeros = mx.nd.zeros(weight.shape, weight.context, dtype=weight.dtype)
        return zeros, zeros.copy()

    def update(self, index: int, weight: mx.nd.NDArray, grad: mx.nd.NDArray, state: Any) -> None:
        self._update_count(index)
        t = self._index_update_count[index]
        step = self._get_lr(index) / (1 - self.beta1**t)
        grad = gradient(self, index, weight, grad)
        m, v = state
        m[:] = self.beta1 * m + (1 - self.beta1) * grad
        v[:] = self.beta2 * v + (1 - self.beta2) * grad * grad
        rectifier = self._rectifier(t)
        if rectifier is None:
            weight[:] -= step * m
        else:
            weight[:] -= step * rectifier * m / (v.sqrt() + self.epsilon)

    def _rectifier(self, t: int) -> float | None:
        """Factor r * sqrt(1 - beta2^t); None while rho is not above the threshold."""
        bias = 1 - self.beta2**t
        longest = 2 / (1 - self.beta2) - 1
        rho = longest - 2 * t * (1 - bias) / bias
        if rho <= self.threshold:
            return None
        return math.sqrt(bias * (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
