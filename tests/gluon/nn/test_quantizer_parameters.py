"""Parameters that quantizers bring to their layers: saved, trained, counted."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn


def full_net(prefix):
    net = mx.gluon.nn.HybridSequential(prefix=prefix)
    with net.name_scope():
        net.add(nn.QConv2D(4, 3, in_channels=3, weight_quantizer=nn.TanhSign(), input_quantizer="rsign"))
        net.add(nn.QConv2D(4, 1, in_channels=4, weight_quantizer=nn.LSQWeight(3), input_quantizer=nn.LSQ(2)))
        net.add(nn.QConv2D(4, 1, in_channels=4, weight_quantizer=nn.ABCWeight(2), input_quantizer="abc"))
        net.add(nn.QActivation(nn.ProgressiveSign()))
        net.add(nn.QDense(2, in_units=4 * 36, weight_quantizer="horq", input_quantizer="rsign"))
    return net


def test_parameters_are_saved_and_loaded(tmp_path, lowered):
    net, x = full_net("a_"), mx.nd.random.normal(shape=(2, 3, 8, 8))
    net.initialize(mx.init.Normal(0.5))
    for parameter in net.collect_params().values():
        parameter.set_data(parameter.data() + 0.1)
    net.save_parameters(str(tmp_path / "net.params"))
    other = full_net("b_")
    other.load_parameters(str(tmp_path / "net.params"))
    names = set(other._collect_params_with_prefix())
    assert {"0.input_shift", "0.weight_nu", "1.input_step", "1.weight_step", "2.input_step0"} <= names
    assert {"2.input_shift2", "3.input_temperature", "4.input_shift"} <= names
    with nn.lowering(lowered):
        expected = net(x).asnumpy()
        np.testing.assert_array_equal(other(x).asnumpy(), expected)
        other.hybridize()
        np.testing.assert_allclose(other(x).asnumpy(), expected, rtol=1e-5, atol=1e-5)


def test_learned_parameters_train_without_weight_decay(lowered):
    net, x = full_net("c_"), mx.nd.random.normal(shape=(4, 3, 8, 8))
    net.initialize(mx.init.Normal(0.5))
    net.hybridize()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "wd": 10.0})
    before = {key: value.data().asnumpy() for key, value in net.collect_params().items()}
    with nn.lowering(lowered), mx.autograd.record():
        loss = (net(x) ** 2).mean()
    loss.backward()
    trainer.step(1)
    moved = 0
    for key, parameter in net.collect_params(".*(input|weight)_.*").items():
        trained = not key.endswith(("nu", "temperature"))
        change = 0.01 * parameter.grad().asnumpy() if trained else 0
        np.testing.assert_allclose(parameter.data().asnumpy(), before[key] - change, rtol=1e-5, atol=1e-6)
        moved += trained and bool(np.any(change))
    assert moved >= 5


def test_a_number_for_each_channel_needs_their_count():
    with pytest.raises(
        ValueError,
        match=r"QConv2D: expected in_channels for RSign\(\), which learns a number for each channel, found 0",
    ):
        nn.QConv2D(4, 3, input_quantizer="rsign")
    with pytest.raises(
        ValueError,
        match=r"QDense: expected in_units for RSign\(\), which learns a number for each channel, found 0",
    ):
        nn.QDense(4, input_quantizer="rsign")
