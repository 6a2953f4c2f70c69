"""Two workers under horovodrun learn what one learns from both their images; where Horovod is installed.

docs/launch.md says how to install it; it takes minutes to build, so the test environment has none.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.subprocesses import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("horovod") is None, reason="Horovod is not installed; see docs/launch.md"
)

SCRIPT = """
import sys
import bmx.gluon
import horovod.mxnet as hvd
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from bmx.gluon.nn import QConv2D, QDense

path, distributed = sys.argv[1], sys.argv[2] == "two"
if distributed:
    hvd.init()
rank, size = (hvd.rank(), hvd.size()) if distributed else (0, 1)
mx.random.seed(5 + rank)  # each starts with other weights, until they are broadcast
net = gluon.nn.HybridSequential()
net.add(QConv2D(6, 3, in_channels=2), gluon.nn.Flatten(), QDense(5, in_units=96))
net.add(gluon.nn.Dense(3, in_units=5))
net.initialize(mx.init.Uniform(1))
net.hybridize()
parameters = net.collect_params()
adam = {"learning_rate": 0.05}
if distributed:
    hvd.broadcast_parameters(parameters, root_rank=0)
    trainer = hvd.DistributedTrainer(parameters, "adam", adam)
else:
    trainer = gluon.Trainer(parameters, "adam", adam)
rng = np.random.RandomState(1)
for _ in range(4):
    images = rng.normal(size=(8, 2, 6, 6))
    part = images[rank * 8 // size : (rank + 1) * 8 // size]
    with autograd.record():
        loss = (net(mx.nd.array(part)) ** 2).sum()
    loss.backward()
    trainer.step(len(part))
values = [parameter.data().asnumpy().ravel() for parameter in parameters.values()]
np.save(f"{path}-{rank}.npy", np.concatenate(values))
"""


def test_two_workers_train_as_one(tmp_path: Path) -> None:
    python = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    run = [sys.executable, "-m", "horovod.runner.launch", "--gloo", "-np", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    for name, start in (("two", [*run, *python]), ("one", python)):
        command = [*start, str(tmp_path / name), name]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    one, first, second = (np.load(tmp_path / f"{name}.npy") for name in ("one-0", "two-0", "two-1"))
    np.testing.assert_array_equal(first, second)
    # Gradients are added up in another order.
    np.testing.assert_allclose(first, one, rtol=1e-5, atol=1e-6)
