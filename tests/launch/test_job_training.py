"""`bmx launch -- bmx train`: a kill, --resume, and what one worker learns from whole batches."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
from click.testing import CliRunner

from bmx.cli import cli

BMX = (sys.executable, "-m", "bmx.cli")
NET = """
import os, signal
from mxnet.gluon import nn
from bmx.gluon.nn import QDense

class Doomed(nn.HybridSequential):
    passes = 0

    def forward(self, x):
        self.passes += 1
        if self.passes == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)

def is_doomed():
    # The first of the workers that makes the folder.
    if "BMX_TEST_DOOM" not in os.environ:
        return False
    try:
        os.mkdir(os.environ["BMX_TEST_DOOM"])
    except FileExistsError:
        return False
    return True

def build(classes=4):
    net = (Doomed if is_doomed() else nn.HybridSequential)(prefix="")
    net.add(nn.Flatten(), nn.Dense(6, in_units=48), QDense(6, in_units=6), nn.Dense(classes, in_units=6))
    return net
"""


def description(folder: Path, batch_size: int) -> list[str]:
    settings = ["data.shape=[4,4,3]", "data.classes=4", "data.train_limit=128", "data.test_limit=16"]
    return [
        *("train", "--model", "launched_net:build", "--dataset", "random", "--epochs", "2", "--seed", "3"),
        *("--learning-rate", "0.01", "--batch-size", str(batch_size), "--output", str(folder)),
        *(word for setting in settings for word in ("--set", setting)),
    ]


def parameters(folder: Path) -> dict[str, np.ndarray]:
    return {name: value.asnumpy() for name, value in mx.nd.load(str(folder / "last.params")).items()}


def test_a_killed_training_resumes_and_ends_as_that_of_one_worker(jobs, tmp_path, monkeypatch):
    (tmp_path / "launched_net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    two, one = tmp_path / "two", tmp_path / "one"
    command = (*BMX, *description(two, 8), "--kvstore", "dist_sync", "--checkpoint-steps", "3")

    doom = str(tmp_path / "doom")
    code, _, errors = jobs.end(jobs.start("-n", 2, "-s", 1, "--", *command, BMX_TEST_DOOM=doom))
    assert code == 1
    assert re.search(r"bmx: worker [01] \(pid \d+ on localhost\) was killed by SIGKILL", errors)
    assert jobs.alive() == {}
    assert not (two / "last.params").exists()

    code, output, errors = jobs.end(jobs.start("-n", 2, "-s", 1, "--", *command, "--resume"))
    assert code == 0, errors
    # The kill may come before worker 0 has written the checkpoint of batch 6; that of batch 3 is whole then.
    assert re.search(r"^\[0\] resumed at epoch 0, batch [36] of stage 1$", output, re.MULTILINE), output

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("bmx.training.plot.is_available", lambda: False)  # it takes longer than the training
    alone = CliRunner().invoke(cli, description(one, 16), catch_exceptions=False)
    assert alone.exit_code == 0, alone.output
    expected, found = parameters(one), parameters(two)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # Gradients are added up in another order; Adam divides by their size.
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
