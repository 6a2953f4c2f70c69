"""A training script, as users write it, for `bmx launch`; `Training` is also the one-worker reference.

    launch_worker.py STORE FOLDER STEPS [fail]

Each step takes one batch of 12 samples; of N workers, worker r takes the samples r, r + N, ... Writes
`{rank}.started` after the first step and `{rank}.npy`, all parameters, at the end; then come `HASTY` steps
whose end only worker 0 waits for.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

import bmx.gluon  # noqa: F401  prepares MXNet
from bmx.gluon.nn import QDense
from bmx.gluon.optimizer import BinaryTrainer

BATCH = 12
HASTY = 100


def make_net() -> gluon.nn.HybridSequential:
    mx.random.seed(0)
    np.random.seed(0)
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(6, in_units=5), QDense(6, in_units=6), gluon.nn.Dense(3, in_units=6))
    net.initialize(mx.init.Uniform(1))
    return net


def make_trainer(net: gluon.Block, store: object) -> gluon.Trainer:
    parameters = net.collect_params()
    if "async" in getattr(store, "type", ""):
        return gluon.Trainer(parameters, "sgd", {"learning_rate": 0.05}, kvstore=store)
    return BinaryTrainer(parameters, "adam", {"learning_rate": 0.05}, store)


class Training:
    """A net and its trainer; worker `rank` of `workers`."""

    def __init__(self, store: object, rank: int, workers: int):
        self.net = make_net()
        self.trainer = make_trainer(self.net, store)
        self.random = np.random.RandomState(1)
        self.share = slice(rank, None, workers)

    def step(self) -> None:
        """Asks for nothing that is computed, so it returns before the step is done."""
        batch = self.random.normal(size=(BATCH, 5))[self.share]
        with autograd.record():
            loss = (self.net(mx.nd.array(batch)) ** 2).sum()
        loss.backward()
        self.trainer.step(BATCH)

    def parameters(self) -> np.ndarray:
        """All of them in one row, float32, when all steps are done."""
        return np.concatenate([p.data().asnumpy().ravel() for p in self.net.collect_params().values()])


def listeners(port: str) -> list[str]:
    """Where the processes of this job listen: addresses as in /proc/net/tcp, for example '0100007F'."""
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"DMLC_PS_ROOT_PORT={port}".encode() in (process / "environ").read_bytes().split(b"\0"):
                for handle in (process / "fd").iterdir():
                    with contextlib.suppress(OSError):  # the handle of this very folder is gone
                        sockets.add(os.readlink(handle))
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                found.append(local.partition(":")[0])
    return found


def main() -> None:
    kind, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    store = mx.kv.create(kind)
    rank = store.rank
    (folder / f"{rank}.environ").write_text(
        json.dumps({**os.environ, "cwd": os.getcwd(), "pid": os.getpid()})
    )

    training = Training(store, rank, store.num_workers)
    for step in range(steps):
        training.step()
        if step == 0:
            training.parameters()
            if rank == 0:
                (folder / "listeners").write_text(json.dumps(listeners(os.environ["DMLC_PS_ROOT_PORT"])))
            (folder / f"{rank}.started").touch()
            if sys.argv[4:] == ["fail"] and rank == 1:
                sys.exit(3)
        elif step % 100 == 0:
            training.parameters()
    np.save(folder / f"{rank}.npy", training.parameters())
    for _ in range(HASTY):
        training.step()
    if rank == 0:
        training.parameters()
    print(f"rank {rank} has trained")


if __name__ == "__main__":
    main()
