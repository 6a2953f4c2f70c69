"""Small nets and images that the tests of training share."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from bmx.gluon.nn import QConv2D, QDense
from bmx.training import seed_everything
from bmx.training.optimizers import parameters
from bmx.training.schema import Config


def build(name: str = "", arguments: Any = None) -> nn.HybridSequential:
    """A net with all that a checkpoint has to hold: latent weights, running statistics, random numbers."""
    net = nn.HybridSequential(prefix="")
    net.add(nn.Conv2D(4, 3, in_channels=3), nn.BatchNorm(in_channels=4))
    net.add(QConv2D(6, 3, in_channels=4, use_bias=False), nn.BatchNorm(in_channels=6))
    net.add(nn.Flatten(), nn.Dropout(0.3), QDense(8, in_units=6 * 16), nn.Dense(4, in_units=8))
    return net


def tiny(**changes: Any) -> Config:
    """A description of a training of some seconds: 24 updates of 8 images."""
    table: dict[str, Any] = {
        "model": {"name": "test:build"},
        "data": {"name": "random", "shape": [8, 8, 3], "classes": 4, "batch_size": 8},
        "training": {"epochs": 3, "seed": 5},
        "optimizer": {"name": "adam", "learning_rate": 1e-2},
    }
    table["data"].update({"train_limit": 64, "test_limit": 16, "augmentation": "low"})
    for section, values in changes.items():
        table[section] = {**table.get(section, {}), **values} if isinstance(values, dict) else values
    return Config.from_dict(table, "tiny")


def noise(count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(3)
    return random.standard_normal((count, 3, 8, 8)).astype(np.float32), random.randint(0, 4, count)


def plain_net() -> nn.HybridSequential:
    """Without batch norm, whose statistics depend on how a batch is cut."""
    seed_everything(1)
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, in_channels=3), QConv2D(6, 3, in_channels=4), nn.Flatten())
    net.add(QDense(8, in_units=96), nn.Dense(4, in_units=8))
    net.initialize(mx.init.Xavier())
    return net


def values(net: gluon.Block) -> list[np.ndarray]:
    return [parameter.data().asnumpy() for parameter in parameters(net)]
