"""Initial values that weights and inputs decide."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn


def lsq_net():
    net = mx.gluon.nn.HybridSequential()
    with nn.defaults(weight_quantizer=nn.LSQWeight(4), input_quantizer=nn.LSQ(4)):
        net.add(nn.QConv2D(4, 3), mx.gluon.nn.Activation("relu"), nn.QDense(3))
    net.add(nn.QActivation(nn.LSQ(2), ndim=2))
    net.initialize(mx.init.Normal(0.3))
    return net


def test_calibrate_measures_weights_and_inputs():
    net = lsq_net()
    x = mx.nd.random.normal(shape=(2, 3, 6, 6))
    nn.calibrate(net, x)
    convolution, relu, dense, activation = net._children.values()
    for layer, largest in ((convolution, 7), (dense, 7)):
        expected = 2 * np.abs(layer.weight.data().asnumpy()).mean() / np.sqrt(largest)
        np.testing.assert_allclose(layer.weight_step.data().asscalar(), expected, rtol=1e-5)
    # What reaches a layer is what the calibrated layers before it give.
    reaching = {convolution: x, dense: relu(convolution(x)), activation: dense(relu(convolution(x)))}
    for (layer, value), largest in zip(reaching.items(), (15, 15, 3)):
        expected = 2 * np.abs(value.asnumpy()).mean() / np.sqrt(largest)
        np.testing.assert_allclose(layer.input_step.data().asscalar(), expected, rtol=1e-5)
    # No hook is left behind.
    before = convolution.input_step.data().asscalar()
    net(10 * x)
    assert convolution.input_step.data().asscalar() == before


def test_calibrate_without_inputs_measures_weights_only():
    layer = nn.QDense(3, in_units=5, weight_quantizer="lsq_weight", input_quantizer="lsq")
    layer.initialize(mx.init.Constant(2.0))
    nn.calibrate(layer)
    np.testing.assert_allclose(layer.weight_step.data().asscalar(), 4.0, rtol=1e-6)
    np.testing.assert_allclose(layer.input_step.data().asscalar(), 2 / np.sqrt(3), rtol=1e-6)


def test_calibrate_says_what_it_needs():
    net = lsq_net()
    with pytest.raises(ValueError, match=r"expected a shape of .*, found none; give an input"):
        nn.calibrate(net)
    net.hybridize()
    with pytest.raises(ValueError, match=r"call it before net\.hybridize"):
        nn.calibrate(net, mx.nd.ones((1, 3, 6, 6)))
