"""A folder in which commands find a module that builds nets, a packed file, labels and an input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import invoke

NET_MODULE = """
import bmx.gluon
import mxnet as mx
from mxnet.gluon import nn
from bmx.gluon.nn import QConv2D

def build():
    mx.random.seed(7)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(8, 3), nn.BatchNorm(), QConv2D(16, 3), nn.BatchNorm(), nn.Flatten(), nn.Dense(3))
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net

def build_two_inputs():
    class TwoInputs(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Dense(3), nn.Dense(3)

        def hybrid_forward(self, F, a, b):
            return self.left(a) + self.right(b)

    mx.random.seed(7)
    net = TwoInputs()
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 8, 8)), mx.nd.zeros((1, 5)))
    return net

def build_unsupported():
    net = nn.HybridSequential()
    net.add(nn.Conv2DTranspose(4, 3))
    net.initialize()
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net

def build_twice():
    class Twice(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.dense, self.dropout = nn.Dense(3), nn.Dropout(0.5)

        def hybrid_forward(self, F, x):
            y = self.dense(x)
            return y, self.dropout(y)

    net = Twice()
    net.initialize()
    net(mx.nd.zeros((1, 5)))
    return net

def broken():
    raise RuntimeError("this net cannot be built")
"""


def write_net_folder(folder: Path) -> Path:
    """A folder with a module that builds nets, a packed file of one of them, its parameters and an input."""
    (folder / "cli_net.py").write_text(NET_MODULE)
    (folder / "labels.txt").write_text("cat\ndog\nbird\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))  # the command puts the working directory first
        result = invoke(
            *["export", "cli_net:build", "net.bmx", "--input-shape", "1,1,8,8"],
            *["--classes", "labels.txt", "--scale", "0.01", "--mean", "0.5", "--json"],
        )
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["report"]["passed"]
    samples = np.random.RandomState(0).standard_normal((3, 1, 8, 8)).astype(np.float32)
    np.save(folder / "x.npy", samples)
    return folder
