"""A loss that is not finite: the first block, parameter or image to blame."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon
from mxnet.gluon import nn

from bmx.training import Batches
from bmx.training.assembly import Assembly, Updates
from bmx.training.engine import Engine
from bmx.training.nonfinite import NonFiniteLossError, diagnose
from bmx.training.objective import Objective
from bmx.training.optimizers import parameters
from tests.support.tiny_training import noise, plain_net


class Explodes(gluon.HybridBlock):
    """Its output is infinite."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.exp(F.abs(x) * 1e6 + 1e6)


def test_the_first_block_that_is_not_finite_is_named() -> None:
    net = nn.HybridSequential()
    inner = nn.HybridSequential()
    inner.add(nn.Dense(4, in_units=3), Explodes(), nn.Dense(2, in_units=4))
    net.add(nn.Flatten(), inner)
    net.initialize()
    net.hybridize()
    images = np.ones((8, 3, 1, 1), np.float32)
    data = Batches(images, np.zeros(8, int), 4)
    trainer = gluon.Trainer(parameters(net), "sgd", {"learning_rate": 0.1})
    engine = Engine(Assembly(net, trainer, Objective(net), data, Updates(1)), name="stage")
    with pytest.raises(
        NonFiniteLossError, match=r"stage, epoch 1, step 1 of 2: .* come from 1\.1 \(Explodes\); lower"
    ):
        engine.run()


def test_a_parameter_or_the_data_may_be_to_blame() -> None:
    net = plain_net()
    images = mx.nd.array(noise(2)[0])
    assert diagnose(net, images).startswith("all values of the net are finite")
    with autograd.record():
        assert diagnose(net, images * np.inf).startswith("the images of this batch")
    net[4].bias.set_data(net[4].bias.data() * np.nan)
    assert diagnose(net, images).startswith("parameter '4.bias' is not finite")
