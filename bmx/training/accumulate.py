"""Gradients of several passes, added up for one update."""

from __future__ import annotations

from typing import Any, Sequence

from mxnet import gluon


class Accumulation:
    """Adds up the gradients of the passes before an update.

    Not by ``grad_req='add'``: MXNet's clip and operators of C++ libraries overwrite what they should add to.

    Args:
        params: initialized Parameters.
        passes: number of passes for one update.
    """

    def __init__(self, params: Sequence[gluon.Parameter], passes: int) -> None:
        self._params = [p for p in params if p.grad_req != "null"]
        self._passes = passes
        self._sums: list[list[Any]] = []
        self.reset()

    def reset(self) -> None:
        """Forgets what was added."""
        self._done = 0
        self.samples = 0

    @property
    def is_due(self) -> bool:
        """Whether all passes have been made."""
        return self._done >= self._passes

    def add(self, samples: int, last: bool = False) -> bool:
        """To be called after each backward pass, whose gradients are sums over samples.

        Args:
            samples: number of samples of this pass, on all machines.
            last: whether no further pass follows.

        Returns:
            Whether it is time for the update; the parameters' gradients are the sums then.
        """
        self._done += 1
        self.samples += samples
        due = self.is_due or last
        if self._done > 1:
            for parameter, sums in zip(self._params, self._sums):
                for gradient, total in zip(parameter.list_grad(), sums):
                    if due:
                        gradient[:] = gradient + total
                    else:
                        total[:] = total + gradient
        elif not due:
            self._sums = [[gradient.copy() for gradient in p.list_grad()] for p in self._params]
        return due
