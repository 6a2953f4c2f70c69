"""Flip ratio against counts by hand."""

from __future__ import annotations

import math

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from bmx.gluon.metric import FlipRatio
from bmx.gluon.nn import QConv2D, QDense


def make_net():
    net = gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            gluon.nn.Dense(4, in_units=3, prefix="real_"),
            QDense(2, in_units=4, prefix="first_"),
            QDense(1, in_units=2, prefix="second_"),
        )
    net.initialize(mx.init.One())
    return net


def set_weight(layer, values):
    layer.weight.set_data(mx.nd.array(values, dtype="float32").reshape(layer.weight.shape))


def test_flips_are_counted_by_weight_and_in_total():
    net = make_net()
    metric = FlipRatio(net)
    names, shares = metric.get()
    assert names == ["flip_ratio", "flip_ratio:net_first_weight", "flip_ratio:net_second_weight"]
    assert all(math.isnan(share) for share in shares)
    # -0.0 and 0 are +1, so 3 of 8 change.
    set_weight(net[1], [-1, 0.5, -0.0, 0.0, -2, -1e-30, 1, 3])
    net[0].weight.set_data(-net[0].weight.data())
    metric.update()
    assert dict(metric.get_name_value()) == {
        "flip_ratio": 3 / 10,
        "flip_ratio:net_first_weight": 3 / 8,
        "flip_ratio:net_second_weight": 0.0,
    }


def test_updates_are_averaged_until_reset_and_signs_are_kept():
    net = make_net()
    metric = FlipRatio(net, name="flips")
    set_weight(net[2], [-1, -1])
    metric.update()
    set_weight(net[2], [-1, 1])
    metric.update(None, None)
    assert metric.get()[1] == [3 / 20, 0, 3 / 4]
    metric.reset()
    assert math.isnan(metric.get()[1][0])
    metric.update()
    assert metric.get() == (["flips", "flips:net_first_weight", "flips:net_second_weight"], [0, 0, 0])


def test_counts_are_those_of_plain_loops():
    seed = 0
    print(f"seed {seed}")
    rng = np.random.RandomState(seed)
    layer = QConv2D(5, 3, in_channels=4)
    layer.initialize()
    metric = FlipRatio(layer)
    before = layer.weight.data().asnumpy().ravel()
    for _ in range(5):
        after = (before + rng.normal(size=before.size, scale=0.05)).astype(np.float32)
        set_weight(layer, after)
        metric.reset()
        metric.update()
        flips = sum((a < 0) != (b < 0) for a, b in zip(before, after))
        assert 0 < flips < before.size
        assert metric.get()[1] == [flips / before.size] * 2
        before = after


def test_a_weight_whose_shape_comes_late_counts_from_then_on():
    net = gluon.nn.HybridSequential()
    net.add(QDense(2))
    net.initialize(mx.init.One())
    metric = FlipRatio(net)
    metric.update()
    assert math.isnan(metric.get()[1][0])
    net(mx.nd.ones((1, 2)))
    metric.update()
    set_weight(net[0], [-1, 1, 1, 1])
    metric.update()
    assert metric.get()[1] == [1 / 4, 1 / 4]


def test_a_net_without_binary_weights_is_refused():
    with pytest.raises(ValueError, match="expected a net with binary weights, found none in Dense"):
        FlipRatio(gluon.nn.Dense(2))
