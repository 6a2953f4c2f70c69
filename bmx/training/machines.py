"""Several machines: MXNet's key-value store as a staged training needs it; servers that update weights."""

from __future__ import annotations

from typing import Any, Sequence

import mxnet as mx
from mxnet import gluon
from mxnet.kvstore import KVStoreBase

from bmx.training.reading import ConfigError
from bmx.training.schema import LearningRate, Optimizer

_KEYS = 1_000_000  # of a key-value store, for each stage


class Machines:
    """The machines that train together: this one alone, or those that a key-value store connects.

    Args:
        store: MXNet's key-value store; None for this machine alone.
    """

    def __init__(self, store: Any = None) -> None:
        self.store = store

    @classmethod
    def connect(cls, kind: str) -> Machines:
        """Blocks until all workers, which `bmx launch` starts, have connected.

        Args:
            kind: kind of the store; ``local`` and ``device`` stay alone.
        """
        return cls(mx.kv.create(kind)) if kind.startswith("dist") else ALONE

    @property
    def rank(self) -> int:
        """Number of this machine."""
        return 0 if self.store is None else self.store.rank

    @property
    def part(self) -> tuple[int, int]:
        """Number of this machine, and number of all."""
        return (0, 1) if self.store is None else (self.store.rank, self.store.num_workers)

    @property
    def on_servers(self) -> bool:
        """Whether machines do not wait for one another, so that servers update the weights."""
        return self.store is not None and "async" in self.store.type

    def of_stage(self, number: int) -> Machines:
        """The same machines with keys for the parameters of a stage."""
        return self if self.store is None else Machines(StageStore(self.store, number * _KEYS))

    def wait(self) -> None:
        """Returns when all machines have come here."""
        if self.store is not None:
            self.store._barrier()


ALONE = Machines()


class StageStore(KVStoreBase):
    """A store as one stage sees it: keys of later stages are others, because a store takes each key once.

    Args:
        store: store of all stages.
        first: key of the stage's first parameter.
    """

    def __init__(self, store: Any, first: int) -> None:
        self._store = store
        self._first = first

    def broadcast(self, key: int, value: Any, out: Any, priority: int = 0) -> None:
        """Gives the first machine's value to all."""
        self._store.broadcast(self._first + key, value, out, priority)

    def pushpull(self, key: int, value: Any, out: Any = None, priority: int = 0) -> None:
        """Gives the sum of all machines' values to all."""
        self._store.pushpull(self._first + key, value, out, priority)

    def set_optimizer(self, optimizer: Any) -> None:
        """Sets the optimizer that servers update weights with."""
        optimizer.idx2name = {self._first + key: name for key, name in optimizer.idx2name.items()}
        self._store.set_optimizer(optimizer)

    def is_capable(self, capability: str) -> bool:
        """As the store."""
        return self._store.is_capable(capability)

    def save_optimizer_states(self, fname: str, dump_optimizer: bool = False) -> None:
        """As the store."""
        self._store.save_optimizer_states(fname, dump_optimizer)

    def load_optimizer_states(self, fname: str) -> None:
        """As the store."""
        self._store.load_optimizer_states(fname)

    @property
    def type(self) -> str:
        """As the store."""
        return self._store.type

    @property
    def rank(self) -> int:
        """As the store."""
        return self._store.rank

    @property
    def num_workers(self) -> int:
        """As the store."""
        return self._store.num_workers


def make_server_trainer(
    params: Sequence[gluon.Parameter],
    optimizer: Optimizer,
    rate: LearningRate,
    updates: int,
    per_epoch: int,
    store: Any,
) -> gluon.Trainer:
    """The Trainer of machines that do not wait: each update comes from one machine, and a server makes it.

    Servers know MXNet's optimizers and schedulers only, and bound no latent weights.

    Args:
        params: initialized parameters.
        optimizer: description of the optimizer.
        rate: description of the learning rate.
        updates: updates of the stage, on each machine.
        per_epoch: updates of an epoch, on each machine.
        store: key-value store.

    Raises:
        ConfigError: the description asks for what servers cannot do.
    """
    refused = {
        "optimizer.binary": optimizer.binary,
        "optimizer.center": optimizer.center,
        "learning_rate.values": rate.values,
        "learning_rate.mode = 'exponential'": rate.mode == "exponential",
    }
    made = mx.optimizer.create(optimizer.name)
    refused[f"optimizer.name = {optimizer.name!r}"] = not type(made).__module__.startswith("mxnet.")
    for name, given in refused.items():
        if given:
            raise ConfigError(
                f"training.kvstore 'dist_async': servers cannot do {name}; leave it out or choose 'dist_sync'"
            )
    workers = store.num_workers
    arguments = {**optimizer.arguments, "learning_rate": optimizer.learning_rate, "wd": optimizer.wd}
    scheduler = _scheduler(optimizer.learning_rate, rate, updates * workers, per_epoch * workers)
    if scheduler is not None:
        arguments["lr_scheduler"] = scheduler
    return gluon.Trainer(params, optimizer.name, arguments, kvstore=store)


def _scheduler(start: float, rate: LearningRate, updates: int, per_epoch: int) -> Any:
    """MXNet's own scheduler; None for a constant rate."""
    warm = min(round(rate.warmup * per_epoch), updates - 1)
    shared = {"base_lr": start, "warmup_steps": warm, "warmup_begin_lr": rate.warmup_start}
    if rate.mode == "cosine":
        return mx.lr_scheduler.CosineScheduler(updates, final_lr=rate.end, **shared)
    if rate.mode == "poly":
        return mx.lr_scheduler.PolyScheduler(updates, pwr=rate.power, final_lr=rate.end, **shared)
    at = [max(round(epoch * per_epoch), 1) for epoch in rate.at] if rate.mode == "step" else []
    if not at and not warm:
        return None
    return mx.lr_scheduler.MultiFactorScheduler(at or [updates + 1], rate.factor, **shared)
