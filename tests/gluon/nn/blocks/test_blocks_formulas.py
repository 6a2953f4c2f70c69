"""Every block at inference against its paper's formula, written out in NumPy."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn
from bmx.gluon.nn import blocks


def sign(x):
    return np.where(x < 0, -1.0, 1.0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def channels(values):
    return np.asarray(values).reshape(1, -1, 1, 1)


def windows(x, kernel, stride):
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def pad(x, width, value):
    return np.pad(x, ((0, 0), (0, 0), (width, width), (width, width)), constant_values=value)


def conv(x, w, stride=1, padding=None, value=0.0, dilation=1, groups=1):
    """``padding`` None keeps the size at stride 1."""
    kernel = w.shape[2]
    if dilation > 1:
        spread = np.zeros((*w.shape[:2], (kernel - 1) * dilation + 1, (kernel - 1) * dilation + 1))
        spread[:, :, ::dilation, ::dilation] = w
        return conv(x, spread, stride, padding, value, 1, groups)
    x = pad(x, kernel // 2 if padding is None else padding, value)
    parts = zip(np.split(x, groups, axis=1), np.split(w, groups))
    return np.concatenate(
        [np.einsum("nchwkl,ockl->nohw", windows(a, kernel, stride), b) for a, b in parts], axis=1
    )


def max_pool(x, size, stride=None, padding=0):
    return windows(pad(x, padding, -np.inf), size, stride or size).max(axis=(-2, -1))


def average_pool(x):
    """2x2; what hangs over the edge does not count."""
    odd = [(0, size % 2) for size in x.shape[2:]]
    return np.nanmean(windows(np.pad(x, ((0, 0), (0, 0), *odd), constant_values=np.nan), 2, 2), axis=(-2, -1))


class Net:
    """A block's parameters, and the layers that have some, by the names under which they are saved."""

    def __init__(self, block, seed=59):
        rng = np.random.default_rng(seed)
        self.values = {}
        for name, parameter in block._collect_params_with_prefix().items():
            ending = name.split(".")[-1]
            if ending == "running_mean":
                value = rng.normal(0, 0.5, parameter.shape)
            elif ending == "running_var":
                value = rng.uniform(0.2, 1.5, parameter.shape)
            elif parameter.grad_req == "null":
                value = parameter.data().asnumpy()
            elif ending in ("gamma", "mixture", "gate"):
                value = rng.uniform(0.2, 1.5, parameter.shape)
            else:
                value = rng.normal(0, 0.4, parameter.shape)
            parameter.set_data(mx.nd.array(value))
            self.values[name] = parameter.data().asnumpy().astype(np.float64)

    def __getitem__(self, name):
        return self.values[name]

    def norm(self, x, name):
        gamma, beta, mean, variance = (
            channels(self[f"{name}.{part}"]) for part in ("gamma", "beta", "running_mean", "running_var")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def float_conv(self, x, name, *arguments, **named):
        bias = self.values.get(f"{name}.bias")
        return conv(x, self[f"{name}.weight"], *arguments, **named) + (0 if bias is None else channels(bias))

    def binary(self, x, name, *arguments, **named):
        """Signs times signs."""
        return conv(sign(x), sign(self[f"{name}.weight"]), *arguments, **named)

    def alpha(self, name):
        return channels(np.abs(self[f"{name}.weight"]).mean(axis=(1, 2, 3)))

    def prelu(self, x, name):
        return np.where(x > 0, 1, channels(self[name])) * x

    def rprelu(self, x, name):
        shifted = self.prelu(x + channels(self[f"{name}.before"]), f"{name}.slope")
        return shifted + channels(self[f"{name}.after"])

    def shortcut(self, x, stride, name="shortcut.body"):
        if stride == 1 and f"{name}.0.weight" not in self.values:
            return x
        at = 1 if stride == 2 else 0
        x = average_pool(x) if stride == 2 else x
        return self.norm(self.float_conv(x, f"{name}.{at}"), f"{name}.{at + 1}")


def agree(block, reference, shape=(2, 35, 9, 8)):
    x = mx.nd.array(np.random.default_rng(61).normal(size=shape))
    block.initialize()
    block(x)
    net = Net(block)
    y = block(x)
    y = y[0] if isinstance(y, list) else y
    expected = reference(net, x.asnumpy().astype(np.float64))
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.asnumpy(), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    return block, x


def test_bnn_pools_before_the_norm():
    def reference(net, x):
        y = net.norm(max_pool(net.binary(x, "conv"), 2), "norm")
        return np.clip(y, -1, 1)

    agree(blocks.BNNConvBlock(7, pool_size=2), reference)


def test_bnn_dense():
    def reference(net, x):
        y = sign(x.reshape(2, -1)) @ sign(net["dense.weight"]).T
        return np.clip(net.norm(channels(y)[:, : y.size].reshape(2, 7, 1, 1), "norm"), -1, 1).reshape(2, 7)

    agree(blocks.BNNDenseBlock(7), reference, (2, 3, 5, 5))


def test_hard_tanh_passes_gradients_inside_only():
    x = mx.nd.array([-1.5, -1, 0.5, 1, 1.5])
    x.attach_grad("add")
    for _ in range(2):
        with mx.autograd.record():
            y = blocks.HardTanh()(x)
        y.backward()
    np.testing.assert_array_equal(y.asnumpy(), [-1, -1, 0.5, 1, 1])
    np.testing.assert_array_equal(x.grad.asnumpy(), [0, 2, 2, 2, 0])


def test_xnor_net_normalizes_first_and_scales_by_alpha_and_k():
    def reference(net, x):
        x = net.norm(x, "body.0")
        scale = conv(np.abs(x).mean(1, keepdims=True), np.full((1, 1, 3, 3), 1 / 9), 2)
        y = net.binary(x, "body.1", 2) * net.alpha("body.1") * scale
        return max_pool(relu(y), 2)

    agree(blocks.XNORBlock(7, 3, 2, activation="relu", pool=float_nn.MaxPool2D(2)), reference)


def test_binary_weights():
    def reference(net, x):
        y = conv(x, sign(net["body.0.weight"])) * net.alpha("body.0")
        return relu(net.norm(y, "body.1"))

    agree(blocks.BWNBlock(7), reference)


@pytest.mark.parametrize(("outputs", "stride"), [(35, 1), (40, 1), (40, 2)])
def test_bireal(outputs, stride):
    def reference(net, x):
        return net.norm(net.binary(x, "conv", stride) * net.alpha("conv"), "norm") + net.shortcut(x, stride)

    agree(blocks.BiRealBlock(outputs, stride, 35), reference)


@pytest.mark.parametrize("stride", [1, 2])
def test_resnete(stride):
    def reference(net, x):
        return net.norm(net.binary(x, "conv", stride), "norm") + net.shortcut(x, stride)

    agree(blocks.ResNetEBlock(35, stride), reference)


@pytest.mark.parametrize("dilation", [1, 2])
def test_dense_layer(dilation):
    def reference(net, x):
        return np.concatenate([x, net.binary(net.norm(x, "norm"), "conv", dilation=dilation)], axis=1)

    agree(blocks.BinaryDenseLayer(20, dilation=dilation), reference)


@pytest.mark.parametrize(("groups", "shuffle"), [(1, 1), (4, 16)])
def test_transition_shuffles_before_its_grouped_convolution(groups, shuffle):
    def reference(net, x):
        x = relu(max_pool(net.norm(x, "body.0"), 2))
        x = x[:, np.arange(48).reshape(shuffle, -1).T.ravel()]
        return net.float_conv(x, f"body.{4 if shuffle > 1 else 3}", groups=groups)

    block = blocks.Transition(32, 48, groups=groups, shuffle_groups=shuffle)
    agree(block, reference, (2, 48, 9, 8))


def test_improvement_block_adds_to_the_last_channels_only():
    def reference(net, x):
        y = net.binary(net.norm(x, "norm"), "conv")
        return np.concatenate([x[:, :15], x[:, 15:] + y], axis=1)

    agree(blocks.ImprovementBlock(20), reference)
    agree(blocks.ImprovementBlock(35, 35), lambda net, x: x + net.binary(net.norm(x, "norm"), "conv"))


def test_melius_unit_appends_then_improves():
    def reference(net, x):
        x = np.concatenate([x, net.binary(net.norm(x, "body.0.norm"), "body.0.conv")], axis=1)
        y = net.binary(net.norm(x, "body.1.norm"), "body.1.conv")
        return np.concatenate([x[:, :35], x[:, 35:] + y], axis=1)

    agree(blocks.MeliusUnit(20), reference)


def groupnet(net, values, stride, gated):
    """The paper's code: gate, two convolutions with ReLU before the norm, weighted sum."""
    x, bases = values[0], values[1:]
    outputs = []
    for number in range(3):
        inner = x
        if gated:
            gate = sigmoid(net["gate"])
            inner = gate * bases[number] + (1 - gate) * x

        def binary(x, name, *arguments, **named):
            return net.binary(x, name, *arguments, **named) * np.abs(net[f"{name}.weight"]).mean()

        shortcut = inner
        if stride == 2:
            shortcut = net.norm(binary(inner, "shortcut.0", 2), "shortcut.1")
        branch = f"branches.{number}"
        y = net.norm(relu(binary(inner, f"{branch}.conv1", stride, value=1.0)), f"{branch}.norm1") + shortcut
        outputs.append(net.norm(relu(binary(y, f"{branch}.conv2", value=1.0)), f"{branch}.norm2") + y)
    return [sum(m * out for m, out in zip(net["mixture"], outputs)), *outputs]


@pytest.mark.parametrize("stride", [1, 2])
def test_groupnet_without_a_gate(stride):
    block = blocks.GroupNetBlock(20, stride, bases=3, gated=False)
    agree(block, lambda net, x: groupnet(net, [x], stride, False)[0], (2, 20, 9, 8))


@pytest.mark.parametrize("stride", [1, 2])
def test_groupnet_with_a_gate(stride):
    rng = np.random.default_rng(67)
    values = [mx.nd.array(rng.normal(size=(2, 20, 9, 8))) for _ in range(4)]
    block = blocks.GroupNetBlock(20, stride, bases=3)
    block.initialize()
    block(*values)
    expected = groupnet(Net(block), [v.asnumpy().astype(np.float64) for v in values], stride, True)
    for found, wanted in zip(block(*values), expected):
        np.testing.assert_allclose(found.asnumpy(), wanted, rtol=1e-4, atol=1e-3)


def test_abc_sums_the_products_of_all_bases():
    def reference(net, x):
        w = net["body.0.weight"]
        flat = np.stack([sign(w - w.mean() + u * w.std()).ravel() for u in (-1.0, 0.0, 1.0)], axis=1)
        alphas = np.linalg.lstsq(flat, w.ravel(), rcond=None)[0]
        total = 0
        for alpha, basis in zip(alphas, flat.T):
            for n in range(2):
                codes = sign(x + net[f"body.0.input_shift{n}"] - 0.5)
                total = total + alpha * net[f"body.0.input_step{n}"] * conv(codes, basis.reshape(w.shape))
        return net.norm(max_pool(total, 2), "body.2")

    block = blocks.ABCBlock(7, weight_terms=3, input_terms=2, pool=float_nn.MaxPool2D(2))
    agree(block, reference, (2, 5, 9, 8))


def rsign_conv(net, x, name, stride=1):
    shifted = x + channels(net[f"{name}.input_shift"])
    return net.binary(shifted, name, stride) * net.alpha(name)


@pytest.mark.parametrize(("outputs", "stride"), [(35, 1), (70, 1), (70, 2)])
def test_reactnet(outputs, stride):
    def reference(net, x):
        y = net.norm(rsign_conv(net, x, "conv1", stride), "norm1")
        y = net.rprelu(y + (average_pool(x) if stride == 2 else x), "activation1")
        halves = []
        for half in range(outputs // 35):
            # As the paper's code has it: side by side, each with its own norm.
            part = slice(35 * half, 35 * (half + 1))
            own = Part(net, "conv2", "norm2", part)
            halves.append(own.norm(rsign_conv(own, y, "conv2"), "norm2") + y)
        return net.rprelu(np.concatenate(halves, axis=1), "activation2")

    agree(blocks.ReActBlock(outputs, stride, in_channels=35), reference)


class Part(Net):
    """Some filters of a convolution and the norm after it."""

    def __init__(self, net, convolution, norm, part):
        sliced = (f"{convolution}.weight", *(k for k in net.values if k.startswith(f"{norm}.")))
        self.values = {k: v[part] if k in sliced else v for k, v in net.values.items()}


@pytest.mark.parametrize("stride", [1, 2])
def test_react_resnet(stride):
    def reference(net, x):
        y = net.norm(rsign_conv(net, x, "conv", stride), "norm") + net.shortcut(x, stride)
        return net.rprelu(y, "activation")

    agree(blocks.ReActResNetBlock(35, stride, in_channels=35), reference)


def excitation(net, x, name):
    """Means of the channels through two layers."""
    y = relu(net.float_conv(x.mean((2, 3), keepdims=True), f"{name}.body.1"))
    return sigmoid(net.float_conv(y, f"{name}.body.3"))


@pytest.mark.parametrize("stride", [1, 2])
def test_real_to_binary(stride):
    def reference(net, x):
        b = net.norm(x, "norm")
        y = net.binary(b, "conv", stride) * excitation(net, b, "scale")
        return net.prelu(y, "activation.alpha") + net.shortcut(x, stride)

    agree(blocks.RealToBinaryBlock(40 if stride == 2 else 35, stride, in_channels=35), reference)


def test_quicknet_has_its_relu_before_the_norm_and_pads_with_one():
    def reference(net, x):
        return net.norm(relu(net.binary(x, "conv", value=1.0)), "norm") + x

    agree(blocks.QuickNetBlock(35), reference)


def test_quicknet_transition_blurs():
    def reference(net, x):
        blur = np.outer([1, 2, 1], [1, 2, 1]) / 16
        x = conv(max_pool(relu(x), 2, 1), np.tile(blur, (35, 1, 1, 1)), 2, groups=35)
        return net.norm(net.float_conv(x, "body.3"), "body.4")

    agree(blocks.QuickNetTransition(70, 35), reference)


def bnext_processor(net, x, name, stride):
    y = net.binary(x + channels(net[f"{name}.conv.input_shift"]), f"{name}.conv", stride)
    y = net.prelu(net.norm(y, f"{name}.norm1"), f"{name}.activation.alpha")
    share = channels(np.clip(net[f"{name}.share"], 0, 1))
    mix = share * (average_pool(x) if stride == 2 else x) + (1 - share) * y
    return y * excitation(net, mix, f"{name}.excitation")


def bnext_ffn(net, x, name, stride=1):
    y = net.norm(bnext_processor(net, x, name, stride), f"{name}.norm2")
    return y + (average_pool(x) if stride == 2 else x)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize(("outputs", "stride"), [(35, 1), (70, 2)])
def test_bnext(outputs, stride, attention):
    def reference(net, x):
        if attention:
            r = net.prelu(x, "spatial.residual.0.alpha")
            r = average_pool(r) if stride == 2 else r
            x = net.norm(bnext_processor(net, x, "spatial", stride) * r, "spatial.norm2") + r
        else:
            x = bnext_ffn(net, x, "spatial", stride)
        return np.concatenate([bnext_ffn(net, x, f"pointwise.{i}") for i in range(outputs // 35)], axis=1)

    agree(blocks.BNextBlock(outputs, stride, in_channels=35, attention=attention), reference)


def test_stems():
    def image(net, x):
        return max_pool(relu(net.norm(net.float_conv(x, "body.0", 2), "body.1")), 3, 2, 1)

    def groupnet_stem(net, x):
        return net.norm(max_pool(net.float_conv(x, "body.0", 2), 3, 2, 1), "body.2")

    def grouped(net, x):
        for at, stride, groups in ((0, 2, 1), (3, 1, 4), (6, 1, 8)):
            x = relu(net.norm(net.float_conv(x, f"body.{at}", stride, groups=groups), f"body.{at + 1}"))
        return max_pool(x, 3, 2, 1)

    def quick(net, x):
        x = relu(net.norm(net.float_conv(x, "body.0", 2), "body.1"))
        x = net.norm(net.float_conv(x, "body.3", 2, groups=5), "body.4")
        return net.norm(net.float_conv(x, "body.5"), "body.6")

    shape = (2, 3, 17, 14)
    agree(blocks.ImageStem(20), image, shape)
    agree(blocks.ImageStem(20, norm_last=True, use_bias=True), groupnet_stem, shape)
    agree(blocks.GroupedStem(48), grouped, shape)
    agree(blocks.QuickNetStem(20), quick, shape)
    agree(blocks.ReActStem(20), lambda net, x: net.norm(net.float_conv(x, "body.0", 2), "body.1"), shape)


def test_shifted_sign_passes_gradients_in_its_window():
    layer = nn.QActivation(blocks.ShiftedSign(), in_channels=2)
    layer.initialize()
    layer.input_shift.set_data(mx.nd.array([0.5, -0.5]))
    x = mx.nd.array([-2.1, -1.9, -0.6, -0.4, 0.9, 1.1, 1.9, 2.1]).reshape((1, 1, 1, 8)).repeat(2, axis=1)
    x.attach_grad()
    with mx.autograd.record():
        y = layer(x)
    y.backward()
    shifted = x.asnumpy() + np.array([0.5, -0.5], np.float32).reshape(1, 2, 1, 1)
    np.testing.assert_array_equal(y.asnumpy(), sign(shifted))
    np.testing.assert_array_equal(x.grad.asnumpy(), np.abs(shifted) <= 1.5)
    np.testing.assert_array_equal(layer.input_shift.grad().asnumpy(), (np.abs(shifted) <= 1.5).sum((0, 2, 3)))
