"""ReLUs in front of signs: taken out, or left with the reason."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon import nn as float_nn
from mxnet.gluon.contrib.nn import HybridConcurrent

from bmx.gluon import binarize, export_float, nn
from bmx.gluon.surgery import SignAboveZero
from tests.support.surgery import Residual, chain, normal, step, vgg


@pytest.fixture(autouse=True)
def _seed():
    print("seed 11")
    mx.random.seed(11)
    np.random.seed(11)


def test_relus_that_stay_because_they_do_not_feed_a_sign():
    """After the first layer comes a batch norm, after the binary dense layer a float one."""
    net = vgg()
    binarize(net, verbose=False)
    assert repr(net[0].act) == repr(net[7].act) == "Activation(relu)"
    assert repr(net[3]) == "RemovedActivation(Activation)"


def test_activation_argument_in_front_of_a_sign():
    net = chain(
        float_nn.Conv2D(4, 3, activation="relu"),
        float_nn.MaxPool2D(),
        float_nn.Conv2D(4, 1, activation="relu"),
        float_nn.Dense(3),
    )
    x = normal(2, 3, 8, 8)
    net(x)
    binarize(net, verbose=False)
    first, pool, binary, last = net
    z = mx.nd.Convolution(
        x, first.weight.data(), first.bias.data(), kernel=(3, 3), num_filter=4
    )  # and no ReLU
    z = mx.nd.sign(pool(z))
    z = mx.nd.Convolution(z, mx.nd.sign(binary.weight.data()), no_bias=True, kernel=(1, 1), num_filter=4)
    z = last(mx.nd.relu(z + binary.bias.data().reshape((1, -1, 1, 1))))
    np.testing.assert_allclose(net(x).asnumpy(), z.asnumpy(), rtol=1e-5, atol=1e-5)


class Cap(HybridBlock):
    def hybrid_forward(self, F, x):
        return F.clip(x, 0, 6)


@pytest.mark.parametrize("tail_is_binary", [True, False])
def test_relu6_and_its_way_through_branches(tail_is_binary):
    branches = HybridConcurrent(axis=1)
    branches.add(
        chain(float_nn.Conv2D(4, 1), Cap(), initialize=False),
        chain(float_nn.AvgPool2D(3, 1, 1), Cap(), initialize=False),
    )
    net = chain(float_nn.Conv2D(4, 3), Cap(), branches, float_nn.Conv2D(4, 3), float_nn.Dense(2))
    keep = None if tail_is_binary else lambda name, layer: name != "2.0.0"
    report = binarize(net, keep, verbose=False)
    removed = [entry.name for entry in report.changed if "taken out" in entry.text]
    # With a float tail the first one matters: through the pooling it changes what the tail sees.
    assert removed == (["1", "2.0.1", "2.1.1"] if tail_is_binary else [])
    quantizer = type(net[2][0][0].settings.input_quantizer)
    assert quantizer is (nn.DetSign if tail_is_binary else SignAboveZero)
    net(normal(2, 3, 9, 9))


def test_relus_that_cannot_be_taken_out():
    net = Residual()
    net.initialize(mx.init.Xavier())
    x = normal(2, 3, 6, 6)
    before = net(x).asnumpy()
    report = binarize(net, verbose=False)
    assert dict(report.left) == {
        "stem": f"{net.stem}: first layer",
        "output": f"{net.output}: last layer",
        "relu": "Activation(relu) feeds (net) (Residual) too; it feeds the sign of conv1",
        "(net)": "relu inside the code of Residual; it feeds the sign of conv2",
        "gate": "Activation(sigmoid) is not a ReLU; it feeds the sign of conv2, conv3",
    }
    above_zero = "Conv2D -> QConv2D, the sign is -1 where its input is 0"
    assert dict(report.changed) == {"conv1": above_zero, "conv2": above_zero, "conv3": "Conv2D -> QConv2D"}
    assert report.constant == ("conv3",)
    assert "1 binary layers see +1 only" in str(report)
    step(net, x)
    export_float(net, verbose=False)
    np.testing.assert_array_equal(net(x).asnumpy(), before)


def test_sign_above_zero_undoes_a_relu(lowered):
    """A binary layer after a ReLU that stays computes what it would without the ReLU."""

    class Relu(HybridBlock):
        def __init__(self, is_on):
            super().__init__()
            self.conv, self.output = float_nn.Conv2D(5, 3, padding=1), float_nn.Dense(2)
            self.stem = float_nn.Conv2D(4, 1)
            self.is_on = is_on

        def hybrid_forward(self, F, x):
            x = self.stem(x)
            return self.output(self.conv(F.relu(x) if self.is_on else x))

    x, nets = normal(2, 3, 6, 6), (Relu(True), Relu(False))
    for net in nets:
        net.initialize(mx.init.Xavier())
        net(x)
    for ours, other in zip(*(net.collect_params().values() for net in nets)):
        ours.set_data(other.data())
    for net in nets:
        binarize(net, verbose=False)
    with nn.lowering(lowered):
        np.testing.assert_array_equal(step(nets[0], x), step(nets[1], x))
        values = mx.nd.array([0.0, -0.0, 1e-20, 0.5, 1.0, 2.0])
        values.attach_grad()
        with mx.autograd.record():
            signs = SignAboveZero()(mx.nd, values)
        signs.backward()
    assert signs.asnumpy().tolist() == [-1, -1, 1, 1, 1, 1]
    assert values.grad.asnumpy().tolist() == [1, 1, 1, 1, 1, 0]
    np.testing.assert_array_equal(nets[0].conv.weight.grad().asnumpy(), nets[1].conv.weight.grad().asnumpy())
