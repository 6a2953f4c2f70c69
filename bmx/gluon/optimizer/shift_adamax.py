"""Shift-based AdaMax: its multiplications are shifts."""

from __future__ import annotations

from typing import Any

import mxnet as mx

from bmx.gluon.arguments import require
from bmx.gluon.optimizer.gradient import gradient
from bmx.gluon.optimizer.power_of_two import nearest_power_of_two


@mx.optimizer.register
class ShiftAdaMax(mx.optimizer.Optimizer):
    r"""AdaMax whose step and second moment are powers of two.

    Update t = 1, 2, ... of a weight w, with gradient g (weight decay included)::

        m = beta1 * m + (1 - beta1) * g
        v = AP2(max(beta2 * v, |g|)) + epsilon
        w = w - AP2(lr / (1 - beta1^t)) * lr_mult * m / v

    with AP2 of `nearest_power_of_two`. lr_mult is the parameter's, which `scale_learning_rates` sets to
    Glorot's reciprocal, and is not rounded here. The formula is that of the authors' Torch code, which keeps
    the rounded v; it clips binary weights to [-1, 1] after the update, which `BinaryTrainer` does.

    Known to ``gluon.Trainer`` as 'shift_adamax'.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830.

    Args:
        learning_rate: lr of the formula; the authors' scripts start with 2^-6.
        beta1: decay of the first moment, at least 0 and below 1.
        beta2: decay of the second moment, at least 0 and below 1.
        epsilon: addend of the second moment, above 0.
        **kwargs: arguments of ``mxnet.optimizer.Optimizer``.

    Raises:
        ValueError: if a value is out of its range.
    """

    def __init__(
        self,
        learning_rate: float = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 2.0**-27,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        for name, value in (("beta1", beta1), ("beta2", beta2)):
            require("optimizer.ShiftAdaMax", name, value, 0 <= value < 1, "at least 0 and below 1")
        require("optimizer.ShiftAdaMax", "epsilon", epsilon, epsilon > 0, "> 0")
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def create_state(self, index: int, weight: mx.nd.NDArray) -> tuple[Any, Any]:
        """The moments m and v, shaped like the weight."""
        zeros = mx.nd.zeros(weight.shape, weight.context, dtype=weight.dtype)
        return zeros, zeros.copy()

    def update(self, index: int, weight: mx.nd.NDArray, grad: mx.nd.NDArray, state: Any) -> None:
        self._update_count(index)
        grad = gradient(self, index, weight, grad)
        m, v = state
        m[:] = self.beta1 * m + (1 - self.beta1) * grad
        largest = mx.nd.maximum(self.beta2 * v, grad.abs())
        v[:] = nearest_power_of_two(largest) + self.epsilon
        weight[:] -= self._step(index) * m / v

    def _step(self, index: int) -> float:
        lr = self.learning_rate
        if lr == 0:
            return 0.0
        bias = 1 - self.beta1 ** self._index_update_count[index]
        multiplier = self._get_lr(index) / lr
        return nearest_power_of_two(lr / bias) * multiplier


# MXNet knows an optimizer by the lower-cased name of its class.
mx.optimizer.Optimizer.opt_registry["shift_adamax"] = ShiftAdaMax
