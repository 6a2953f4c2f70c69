"""Parameters that quantizers bring to their layers: learned steps and thresholds."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn

hybridized_or_not = pytest.mark.parametrize("hybridized", [False, True], ids=["imperative", "hybridized"])


def run(layer, x, heads, lowered, hybridized):
    if hybridized:
        layer.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(x)
    data.attach_grad()
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(data)
    y.backward(mx.nd.array(heads))
    return y.asnumpy(), data.grad.asnumpy()


@hybridized_or_not
def test_rsign_learns_a_shift_a_channel(hybridized, lowered):
    random = np.random.RandomState(0)
    x = random.normal(size=(2, 3, 4, 5)).astype(np.float32)
    x[0, 0, 0] = [np.inf, -np.inf, np.nan, 3e38, -3e38]
    heads = random.randint(-3, 4, x.shape).astype(np.float32)
    shift = np.array([0.25, -0.5, 0.0], np.float32)
    layer = nn.QActivation("rsign", in_channels=3)
    layer.initialize()
    assert not layer.input_shift.data().asnumpy().any()
    layer.input_shift.set_data(mx.nd.array(shift))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    shifted = x + shift.reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(y, np.where(shifted < 0, -1, 1))
    inside = np.abs(shifted) <= 1
    expected = np.where(inside, 2 - 2 * np.abs(np.where(inside, shifted, 0)), 0) * heads
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)
    found = layer.input_shift.grad().asnumpy()
    np.testing.assert_allclose(found, expected.sum(axis=(0, 2, 3)), rtol=1e-4, atol=1e-5)


def lsq_reference(x, step, low, high, heads, gain):
    """The step's gradient is the input's where a value is inside, and the limits' elsewhere."""
    quotient = x.astype(np.float64) / step
    inside = (quotient > low) & (quotient < high)
    codes = np.sign(quotient) * np.floor(np.abs(np.clip(quotient, low, high)) + 0.5)
    slope = np.where(inside, codes - np.where(inside, quotient, 0), codes)
    return codes, heads * inside, gain * (heads * slope).sum()


def lsq_grid(step, low, high):
    """Values around every limit, none close enough to a tie for float32 to decide otherwise."""
    x = np.random.RandomState(1).uniform(low - 2, high + 2, 300)
    x = x[np.abs(np.abs(x) % 1 - 0.5) > 1e-3] * step
    return np.concatenate([x, [0.0, -0.0, 1e6, -1e6, 3e38, -3e38, np.inf, -np.inf]]).astype(np.float32)


@hybridized_or_not
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_lsq_of_inputs(bits, hybridized, lowered):
    n, step = 2**bits - 1, np.float32(0.37)
    x = np.stack([lsq_grid(step, 0, n)] * 2)[:, None, None, :]
    heads = np.random.RandomState(2).randint(-3, 4, x.shape).astype(np.float32)
    layer = nn.QActivation(nn.LSQ(bits))
    layer.initialize()
    np.testing.assert_allclose(layer.input_step.data().asscalar(), 2 / np.sqrt(n), rtol=1e-6)
    layer.input_step.set_data(mx.nd.array([step]))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    codes, expected, of_step = lsq_reference(x, step, 0, n, heads, 1 / np.sqrt(x[0].size * n))
    np.testing.assert_array_equal(y, (codes * step).astype(np.float32))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    np.testing.assert_allclose(layer.input_step.grad().asscalar(), of_step, rtol=1e-3, atol=1e-3)


@hybridized_or_not
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_lsq_of_weights(bits, hybridized, lowered):
    m, step = 2 ** (bits - 1), np.float32(0.05)
    w = lsq_grid(step, -m, m - 1)[:240].reshape(3, -1)
    layer = nn.QDense(
        3, use_bias=False, in_units=80, weight_quantizer="lsq_weight", bits=bits, input_quantizer="identity"
    )
    layer.initialize()
    layer.weight.set_data(mx.nd.array(w))
    layer.weight_step.set_data(mx.nd.array([step]))
    random = np.random.RandomState(3)
    x, heads = random.randint(-3, 4, (2, 80)).astype(np.float32), random.randint(-3, 4, (2, 3))
    y, gradient = run(layer, x, heads, lowered, hybridized)
    of_weight = heads.T @ x
    codes, expected, of_step = lsq_reference(w, step, -m, m - 1, of_weight, 1 / np.sqrt(w.size * (m - 1)))
    np.testing.assert_allclose(y, x @ codes.T * step, rtol=1e-6)
    np.testing.assert_allclose(gradient, heads @ codes * step, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.weight.grad().asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.weight_step.grad().asscalar(), of_step, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("step", [-0.5, 0.0])
def test_a_step_that_is_not_positive_counts_by_its_magnitude(step):
    x = mx.nd.array([[-1.0, 0.2, 0.9, 5.0]])
    codes = nn.LSQ(2).codes(mx.nd, x, step=mx.nd.array([[step]])).asnumpy()
    np.testing.assert_array_equal(codes, [[0, 0, 2, 3]] if step else [[0, 3, 3, 3]])


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
    with pytest.raises(ValueError, match="has no shape yet; give an input"):
        nn.calibrate(net)
    net.hybridize()
    with pytest.raises(ValueError, match=r"call it before net\.hybridize"):
        nn.calibrate(net, mx.nd.ones((1, 3, 6, 6)))


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
        ValueError, match=r"QConv2D: RSign\(\) learns a number for each channel; give in_channels"
    ):
        nn.QConv2D(4, 3, input_quantizer="rsign")
    with pytest.raises(
        ValueError, match=r"QDense: RSign\(\) learns a number for each channel; give in_channels"
    ):
        nn.QDense(4, input_quantizer="rsign")
