"""Exponential moving average of a net's weights, and batch norms that fit it."""

from __future__ import annotations

import contextlib
from typing import Any, Iterable, Iterator

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon


class WeightAverage:
    """Average of the trained parameters, updated after each step.

    a = d a + (1 - d) w with d = min(decay, (1 + n) / (10 + n)) after n updates, so that the random start is
    soon forgotten. Latent weights are averaged, not their signs.

    Running statistics are not averaged: an average of weights has statistics of its own, and where signs
    differ these are far from the average of statistics. `applied` measures them anew.

    Paper: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992; for batch norms
    Izmailov et al., arXiv:1803.05407, section 3.2.

    Args:
        net: initialized net.
        decay: share of the average that stays at an update, from 0 to below 1.
    """

    def __init__(self, net: gluon.Block, decay: float) -> None:
        self._net = net
        self._decay = decay
        self.updates = 0
        self._trained = {
            name: p for name, p in net._collect_params_with_prefix().items() if p.grad_req != "null"
        }
        self._values = {name: p.data().copy() for name, p in self._trained.items()}

    def update(self) -> None:
        """To be called after each step."""
        self.updates += 1
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in self._trained.items():
            self._values[name][:] = decay * self._values[name] + (1 - decay) * parameter.data()

    @contextlib.contextmanager
    def applied(self, batches: Iterable[Any]) -> Iterator[None]:
        """Inside the ``with`` block the net has the averaged weights, and batch norms that fit.

        Args:
            batches: batches of images, from which the batch norms take their statistics.
        """
        params = self._net._collect_params_with_prefix()
        before = {name: parameter.data().copy() for name, parameter in params.items()}
        try:
            for name, value in self._values.items():
                params[name].set_data(value)
            measure_statistics(self._net, batches)
            yield
        finally:
            for name, value in before.items():
                params[name].set_data(value)

    def state(self) -> dict[str, np.ndarray]:
        """The averages by the places of the parameters in the net."""
        return {name: value.asnumpy() for name, value in self._values.items()}

    def set_state(self, state: dict[str, np.ndarray], updates: int) -> None:
        """Restores what `state` returned."""
        self.updates = updates
        self._values = {name: mx.nd.array(state[name]) for name in self._values}


def measure_statistics(net: gluon.Block, batches: Iterable[Any]) -> None:
    """Passes batches through a net in training mode, so that its batch norms follow them; changes no weight.

    MXNet updates running statistics in the backward pass, so there is one, of zeros.
    """
    for images in batches:
        with autograd.record():
            outputs = net(images)
        outputs.backward(mx.nd.zeros_like(outputs))
    mx.nd.waitall()
