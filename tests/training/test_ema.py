"""The average of weights against its formula, and batch norms that fit it."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from bmx.training import seed_everything
from bmx.training.ema import WeightAverage, measure_statistics
from bmx.training.optimizers import parameters
from tests.support.tiny_training import build, noise, plain_net, values


def test_the_average_follows_its_formula() -> None:
    net = plain_net()
    average = WeightAverage(net, 0.5)
    expected = values(net)
    random = np.random.RandomState(0)
    for update in range(1, 8):
        for parameter in parameters(net):
            parameter.set_data(mx.nd.array(random.standard_normal(parameter.shape)))
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = [decay * a + (1 - decay) * w for a, w in zip(expected, values(net))]
    raw = values(net)
    with average.applied([]):
        for found, wanted in zip(values(net), expected):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(values(net), raw):
        np.testing.assert_array_equal(found, wanted)


def test_statistics_are_those_of_the_images() -> None:
    seed_everything(2)
    net = build()
    net.initialize(mx.init.Xavier())
    images = mx.nd.array(noise()[0])
    before = values(net)
    measure_statistics(net, [images] * 60)
    mean = net[0](images).asnumpy().mean(axis=(0, 2, 3))
    np.testing.assert_allclose(net[1].running_mean.data().asnumpy(), mean, rtol=0.01, atol=1e-3)  # 0.9^60
    for parameter, value in zip(parameters(net), before):
        if parameter.grad_req != "null":
            np.testing.assert_array_equal(parameter.data().asnumpy(), value)
