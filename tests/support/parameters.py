"""Parameters without a net, and random numbers for them."""

from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet import gluon


def random(seed: int) -> np.random.RandomState:
    print(f"seed {seed}")
    return np.random.RandomState(seed)


def make_parameter(value, name="weight", binary=False):
    parameter = gluon.Parameter(name, shape=value.shape, init=mx.init.Constant(0))
    parameter.initialize()
    parameter.set_data(mx.nd.array(value))
    parameter.binary = binary
    return parameter
