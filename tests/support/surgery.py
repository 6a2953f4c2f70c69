"""Nets that surgery is tried on."""

from __future__ import annotations

import mxnet as mx
from mxnet.gluon import HybridBlock
from mxnet.gluon import nn as float_nn


def normal(*shape):
    return mx.nd.random.normal(shape=shape)


def chain(*blocks, initialize=True):
    net = float_nn.HybridSequential()
    net.add(*blocks)
    if initialize:
        net.initialize(mx.init.Xavier())
    return net


def vgg():
    """Layers 0, 4, 7 and 10; of these 4 and 7 become binary."""
    return chain(
        float_nn.Conv2D(8, 3, padding=1, activation="relu"),
        float_nn.MaxPool2D(),
        float_nn.BatchNorm(),
        float_nn.Activation("relu"),
        float_nn.Conv2D(12, 3, strides=2, groups=2, use_bias=False),
        float_nn.BatchNorm(),
        float_nn.Activation("relu"),
        float_nn.Dense(10, activation="relu"),
        float_nn.Dropout(0.5),
        float_nn.Flatten(),
        float_nn.Dense(5),
    )


def step(net, x):
    with mx.autograd.record():
        out = net(x)
    out.backward()
    return out.asnumpy()


class Residual(HybridBlock):
    """ReLUs that cannot be taken out: a block with two uses, and one in the code; and a sigmoid."""

    def __init__(self):
        super().__init__()
        self.stem = float_nn.Conv2D(4, 3, padding=1)
        self.relu = float_nn.Activation("relu")
        self.gate = float_nn.Activation("sigmoid")
        self.conv1 = float_nn.Conv2D(4, 3, padding=1)
        self.conv2 = float_nn.Conv2D(4, 3, padding=1)
        self.conv3 = float_nn.Conv2D(4, 3, padding=1)
        self.output = float_nn.Dense(3)

    def hybrid_forward(self, F, x):
        x = self.relu(self.stem(x))
        x = F.relu(self.conv1(x) + x)
        x = self.gate(self.conv2(x * self.gate(x)))
        return self.output(self.conv3(x))
