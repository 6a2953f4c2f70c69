"""Batch norm and sign in one: exact comparisons at inference, a sharpening tanh in training."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn

MODES = {"imperative": None, "hybrid": {}, "static": {"static_alloc": True, "static_shape": True}}
modes = pytest.mark.parametrize("mode", MODES)


def close(found, expected, tolerance=2e-6):
    found = found.asnumpy() if hasattr(found, "asnumpy") else found
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


GAMMA = [1.3, -0.7, 0, 0, 2, -1]
BETA = [0.5, 0.2, 1, -1, 3.13, 5.29]


def binary_norm(ndim=4, mode="imperative", shape=None, **arguments):
    net = nn.BinaryBatchNorm(ndim=ndim, in_channels=6, **arguments)
    net.initialize()
    if MODES[mode] is not None:
        net.hybridize(**MODES[mode])
    net.gamma.set_data(mx.nd.array(GAMMA))
    net.beta.set_data(mx.nd.array(BETA))
    net.running_mean.set_data(mx.nd.array([3.3, -5.2, 0, 1, 2, 7]))
    net.running_var.set_data(mx.nd.array([3600, 900, 1, 1, 3600, 3600]))
    rng = np.random.default_rng(5)
    return net, mx.nd.array(rng.integers(-300, 301, shape or ((40, 6, 5, 5) if ndim == 4 else (999, 6))))


def batch_norm_sign(net, z):
    shape = (1, -1) + (1,) * (z.ndim - 2)
    gamma, beta, mean, variance = (
        p.data().asnumpy().astype(np.float64).reshape(shape)
        for p in (net.gamma, net.beta, net.running_mean, net.running_var)
    )
    return np.where(gamma * (z.asnumpy() - mean) / np.sqrt(variance + 1e-5) + beta < 0, -1, 1)


@modes
@pytest.mark.parametrize("ndim", [2, 4])
def test_binary_batch_norm_compares_integers_exactly(ndim, mode):
    net, z = binary_norm(ndim, mode, bits=12)
    np.testing.assert_array_equal(net(z).asnumpy(), batch_norm_sign(net, z))
    assert net.flips(z).flipped == 0
    if MODES[mode] is None:
        with nn.lowering("inference"):
            np.testing.assert_array_equal(net(z).asnumpy(), batch_norm_sign(net, z))


def test_a_narrow_threshold_flips_what_it_cannot_hold():
    net, z = binary_norm(bits=8)
    wrong = net(z).asnumpy() != batch_norm_sign(net, z)
    flips = net.flips(z)
    assert (flips.flipped, flips.total) == (wrong.sum(), wrong.size)
    np.testing.assert_array_equal(flips.by_channel, wrong.sum((0, 2, 3)))
    # Channel 5 has its threshold at 7 + 60 * 5.29 = 324.4, held at 127.
    expected = (z.asnumpy()[:, 5] > 127) & (z.asnumpy()[:, 5] <= 324)
    assert flips.by_channel[5] == expected.sum() > 0
    assert flips.by_channel[:5].sum() == 0


@modes
def test_binary_batch_norm_trains_a_sharpening_tanh(mode):
    net, z = binary_norm(mode=mode)
    twin = float_nn.BatchNorm(in_channels=6)
    twin.initialize()
    for name in ("gamma", "beta", "running_mean", "running_var"):
        getattr(twin, name).set_data(getattr(net, name).data())
    x = z.copy()
    for nu in (1.0, 3.0):
        for quantizer in nn.quantizers_of(net):
            quantizer.set("nu", nu)
        z.attach_grad()
        x.attach_grad()
        with mx.autograd.record():
            y, wanted = net(z), mx.nd.tanh(nu * twin(x))
            losses = [(y * y * z.detach()).sum(), (wanted * wanted * x.detach()).sum()]
        mx.autograd.backward(losses)
        close(y, wanted.asnumpy())
        close(z.grad, x.grad.asnumpy(), 1e-5)
        close(net.gamma.grad(), twin.gamma.grad().asnumpy(), 1e-5)
        close(net.running_var.data(), twin.running_var.data().asnumpy())
    assert set(np.unique(net(z).asnumpy())) == {-1, 1}


def test_other_quantizers_and_a_fixed_gamma():
    net = nn.BinaryBatchNorm(quantizer=nn.DetSign(2.0), scale=False, bits=16)
    net.initialize()
    z = mx.nd.array(np.random.default_rng(7).integers(-50, 51, (9, 3, 4, 4)))
    with mx.autograd.record():
        y = net(z)
    assert set(np.unique(y.asnumpy())) == {-1, 1}
    y.backward()
    np.testing.assert_array_equal(net(z).asnumpy(), batch_norm_sign(net, z))


@pytest.mark.parametrize("bits", [1, 25, 8.0, True])
def test_bits_that_do_not_fit(bits):
    with pytest.raises(ValueError, match="expected bits from 2 to 24"):
        nn.BinaryBatchNorm(bits)


def test_a_quantizer_of_more_bits():
    with pytest.raises(ValueError, match="quantizer of one bit"):
        nn.BinaryBatchNorm(quantizer="dorefa")


@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")  # of the imported symbol's input
@pytest.mark.parametrize("make", [nn.ShiftBatchNorm, nn.BinaryBatchNorm])
def test_saved_and_loaded(make, tmp_path):
    net = float_nn.HybridSequential()
    net.add(nn.QConv2D(5, 3), make())
    net.initialize()
    x = mx.nd.random.normal(shape=(2, 3, 6, 6))
    with mx.autograd.record():
        loss = net(x).sum()
    loss.backward()
    mx.nd.waitall()
    net.save_parameters(str(tmp_path / "net.params"))
    other = float_nn.HybridSequential()
    other.add(nn.QConv2D(5, 3), make())
    other.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_array_equal(other(x).asnumpy(), net(x).asnumpy())
    other.hybridize()
    other(x)
    other.export(str(tmp_path / "net"))
    loaded = mx.gluon.SymbolBlock.imports(
        str(tmp_path / "net-symbol.json"), ["data"], str(tmp_path / "net-0000.params")
    )
    np.testing.assert_array_equal(loaded(x).asnumpy(), net(x).asnumpy())
