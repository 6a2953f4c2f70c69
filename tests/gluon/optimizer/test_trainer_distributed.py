"""BinaryTrainer on several machines, which are processes here: the same weights as on one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]

# Both workers compute the same gradients, so that their mean is that of a single machine.
SCRIPT = """
import sys
import bmx.gluon
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from bmx.gluon.nn import QDense
from bmx.gluon.optimizer import BinaryTrainer, is_binary

kvstore, workers, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
mx.random.seed(0)
np.random.seed(0)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(6, in_units=5), QDense(6, in_units=6), gluon.nn.Dense(3, in_units=6))
net.initialize(mx.init.Uniform(1))
bop = ("bop", {"threshold": 1e-3, "gamma": 0.1})
parameters, adam = net.collect_params(), {"learning_rate": 0.05}
trainer = BinaryTrainer(parameters, "adam", adam, kvstore, split={is_binary: bop})
rng = np.random.RandomState(1)
for _ in range(4):
    x = mx.nd.array(rng.normal(size=(8, 5)))
    with autograd.record():
        loss = (net(x) ** 2).sum()
    loss.backward()
    trainer.step(8 * workers)
values = [parameter.data().asnumpy().ravel() for parameter in net.collect_params().values()]
np.save(f"{path}-{trainer._kvstore.rank if trainer._kvstore else 0}.npy", np.concatenate(values))
"""


def start(kvstore: str, workers: int, path: Path, **variables: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, kvstore, str(workers), str(path)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_workers_train_as_one(tmp_path):
    variables = {
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(free_port()),
        "DMLC_NUM_SERVER": "1",
        "DMLC_NUM_WORKER": "2",
        "DMLC_INTERFACE": "lo",
        "DMLC_NODE_HOST": "127.0.0.1",
    }
    roles = ("scheduler", "server", "worker", "worker")
    processes = [start("dist_sync", 2, tmp_path / "two", DMLC_ROLE=role, **variables) for role in roles]
    processes.append(start("device", 1, tmp_path / "one"))
    try:
        outputs = [process.communicate(timeout=120)[0].decode() for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * 5, "\n".join(outputs)
    one, first, second = (np.load(tmp_path / f"{name}.npy") for name in ("one-0", "two-0", "two-1"))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, one, rtol=1e-5, atol=1e-6)
