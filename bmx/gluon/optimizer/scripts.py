"""Trainers for scripts that know nothing of binary layers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, ClassVar, Iterator

from mxnet import gluon

from bmx.gluon.optimizer.latent import binary_parameters
from bmx.gluon.optimizer.split import SplitOptimizer
from bmx.gluon.optimizer.trainer import BinaryTrainer

Observer = Callable[[int, Any], None]


@contextmanager
def trainers_for_binary_layers(limit: float | None = 1.0, observe: Observer | None = None) -> Iterator[None]:
    """Make each ``gluon.Trainer`` a `BinaryTrainer` inside a ``with`` block, if it trains latent weights.

    Trainers without latent weights do what Gluon's do.

    Args:
        limit: bound of the latent weights, as in `BinaryTrainer`.
        observe: function of the number of steps done and the Trainer; called with 0 when a Trainer is made,
            then after each step and after loading states. Trainers without latent weights do not call it.
    """
    before = gluon.Trainer
    observer = None if observe is None else staticmethod(observe)
    trainer = type("Trainer", (_ScriptTrainer,), {"latent_limit": limit, "observer": observer})
    modules = (vars(gluon), vars(gluon.trainer))
    for module in modules:
        module["Trainer"] = trainer
    try:
        yield
    finally:
        for module in modules:
            module["Trainer"] = before


class _ScriptTrainer(BinaryTrainer):
    """``gluon.Trainer`` while a script runs that was not written for binary layers."""

    latent_limit: ClassVar[float | None]
    observer: ClassVar[Any]

    def __init__(
        self,
        params: Any,
        optimizer: Any,
        optimizer_params: dict[str, Any] | None = None,
        kvstore: Any = "device",
        compression_params: dict[str, Any] | None = None,
        update_on_kvstore: bool | None = None,
    ) -> None:
        arguments = (params, optimizer, optimizer_params, kvstore, compression_params, update_on_kvstore)
        if any(binary_parameters(params)):
            super().__init__(*arguments, limit=self.latent_limit)
        else:
            super(BinaryTrainer, self).__init__(*arguments)
        self._observe()

    def _observe(self) -> None:
        if self.observer is not None and isinstance(self._optimizer, SplitOptimizer):
            self.observer(self._optimizer.num_update, self)

    def step(self, batch_size: int, ignore_stale_grad: bool = False) -> None:
        super().step(batch_size, ignore_stale_grad)
        self._observe()

    def update(self, batch_size: int, ignore_stale_grad: bool = False) -> None:
        super().update(batch_size, ignore_stale_grad)
        self._observe()

    def load_states(self, fname: Any) -> None:
        if isinstance(self._optimizer, SplitOptimizer):
            super().load_states(fname)
        else:
            super(BinaryTrainer, self).load_states(fname)
        self._observe()
