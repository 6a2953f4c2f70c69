"""Bop, the optimizer without latent weights."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx

from bmx.gluon.arguments import require
from bmx.gluon.optimizer.gradient import gradient


@mx.optimizer.register
class Bop(mx.optimizer.Optimizer):
    r"""Binary optimizer: flips a weight when the gradient asks for it steadily.

    Update of a weight w that is -1 or +1, with gradient g and momentum m, 0 at first::

        m = (1 - gamma) * m + gamma * g
        w = -w   if |m| > threshold and sign(m) = sign(w)   else w

    The first update turns each weight into its sign (0 gives +1), so nets start from any initializer; binary
    layers compute the same before and after it. Give Bop binary weights only, with ``split`` of
    `BinaryTrainer`: other parameters would become -1 or +1 too. A NaN flips nothing.

    Known to ``gluon.Trainer`` as 'bop'. ``learning_rate`` has no effect; schedules change gamma.

    Paper: Helwegen et al., Latent Weights Do Not Exist: Rethinking Binarized Neural Network Optimization,
    arXiv:1906.02107, algorithm 1.

    Args:
        threshold: least momentum that flips a weight, at least 0.
        gamma: adaptivity rate, above 0 and at most 1; or a function of the number of updates so far, 0 at the
            first one. `save_states` pickles it, so it must not be a lambda.
        **kwargs: arguments of ``mxnet.optimizer.Optimizer``; ``wd`` must be 0.

    Raises:
        ValueError: if a value is out of its range.
    """

    def __init__(
        self,
        threshold: float = 1e-8,
        gamma: float | Callable[[int], float] = 1e-4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require("optimizer.Bop", "threshold", threshold, threshold >= 0, ">= 0")
        require("optimizer.Bop", "gamma", gamma, callable(gamma) or 0 < gamma <= 1, "above 0 and at most 1")
        require("optimizer.Bop", "wd", self.wd, self.wd == 0, "0, because signs have nothing to decay")
        self.threshold = threshold
        self.gamma = gamma

    def create_state(self, index: int, weight: mx.nd.NDArray) -> Any:
        """The momentum m, shaped like the weight."""
        return mx.nd.zeros(weight.shape, weight.context, dtype=weight.dtype)

    def update(self, index: int, weight: mx.nd.NDArray, grad: mx.nd.NDArray, state: Any) -> None:
        self._update_count(index)
        updates = self._index_update_count[index] - 1
        gamma = self.gamma(updates) if callable(self.gamma) else self.gamma
        state[:] = (1 - gamma) * state + gamma * gradient(self, index, weight, grad)
        sign = 1 - 2 * (weight < 0)
        flips = state * sign > self.threshold
        weight[:] = sign * (1 - 2 * flips)
