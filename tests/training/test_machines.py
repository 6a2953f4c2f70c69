"""Two workers learn in stages what one learns from whole batches; tests/launch has kills and --resume."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from bmx.training.machines import ALONE, Machines, make_server_trainer
from bmx.training.reading import ConfigError
from bmx.training.schema import LearningRate, Optimizer

NET = """
from mxnet.gluon import nn
from bmx.gluon.nn import QDense

def build():
    net = nn.HybridSequential(prefix="")
    net.add(nn.Flatten(), nn.Dense(6, in_units=48), QDense(6, in_units=6), nn.Dense(4, in_units=6))
    return net
"""
DESCRIPTION = """
model = { name = "two_workers_net:build" }
data = { name = "random", shape = [4, 4, 3], classes = 4, train_limit = 64, test_limit = 8 }
training = { epochs = 1, accumulate = 2, clip_norm = 1.0 }
optimizer = { name = "nag", learning_rate = 0.01, arguments = { momentum = 0.9 } }

[[stages]]
name = "float"
weights = "identity"
activations = "tanh"

[[stages]]
name = "binary"
teacher = { previous = true, loss = "distillation" }
"""


def test_stages_on_two_workers(tmp_path: Path) -> None:
    (tmp_path / "two_workers_net.py").write_text(NET)
    (tmp_path / "staged.toml").write_text(DESCRIPTION)
    bmx = [sys.executable, "-m", "bmx.cli"]
    training = [*bmx, "train", "staged.toml", "--batch-size"]
    one = [*training, "8", "--output", "one"]
    two = [*bmx, "launch", "-n", "2", "--", *training, "4", "--output", "two", "--kvstore", "dist_sync"]
    for command in (one, two):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
    found, expected = (mx.nd.load(str(tmp_path / folder / "last.params")) for folder in ("two", "one"))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].asnumpy(), value.asnumpy(), atol=1e-6)


class Store:
    """The second of two machines; remembers the keys that it is given."""

    rank, num_workers, type = 1, 2, "dist_sync"

    def __init__(self) -> None:
        self.keys: list[int] = []

    def pushpull(self, key: int, *_: object) -> None:
        self.keys.append(key)


def test_keys_of_stages_are_apart() -> None:
    store = Store()
    machines = Machines(store)
    assert (machines.rank, machines.part, machines.on_servers) == (1, (1, 2), False)
    for number in (0, 1):
        machines.of_stage(number).store.pushpull(3, None)
    assert store.keys == [3, 1_000_003]


def test_a_machine_alone_needs_no_store() -> None:
    assert Machines.connect("local") is Machines.connect("device") is ALONE
    assert (ALONE.rank, ALONE.part, ALONE.on_servers, ALONE.store) == (0, (0, 1), False, None)
    assert ALONE.of_stage(2) is ALONE
    ALONE.wait()


class Servers:
    """A store without machines."""

    num_workers = 2
    type = "dist_async"


@pytest.mark.parametrize(
    ("optimizer", "rate", "message"),
    [
        (Optimizer(name="radam"), LearningRate(), "optimizer.name = 'radam'"),
        (Optimizer(binary={"name": "bop"}), LearningRate(), "optimizer.binary"),
        (Optimizer(center=True), LearningRate(), "optimizer.center"),
        (Optimizer(), LearningRate(mode="exponential", end=1e-3), "exponential"),
    ],
)
def test_servers_refuse_what_they_cannot(optimizer: Optimizer, rate: LearningRate, message: str) -> None:
    with pytest.raises(ConfigError, match=f"servers cannot do .*{message}"):
        make_server_trainer([], optimizer, rate, 10, 5, Servers())
