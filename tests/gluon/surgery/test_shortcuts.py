"""binarize(shortcuts='per_conv'): a shortcut around every binary convolution, or why there is none."""

from __future__ import annotations

import warnings

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock
from mxnet.gluon import nn as float_nn
from mxnet.gluon.model_zoo.vision import resnet

import bmx
from bmx.gluon import binarize, export_float, nn
from bmx.gluon.surgery import RemovedActivation, ShortcutPerConv

# Net of GluonCV -> (size of the image, layers made binary, ReLUs taken out, residual blocks with shortcuts).
# One ReLU for each convolution, but those of the last block's sum, and in V2 of what the shortcut reads too.
NETS = {
    "cifar_resnet20_v1": (32, 18, 17, 9),
    "cifar_resnet20_v2": (32, 18, 18, 9),
    "resnet18_v1": (64, 16, 15, 8),
    "resnet18_v1b": (64, 16, 15, 8),
    "cifar_resnext29_32x4d": (32, 27, 26, 9),
    "mobilenet0.25": (64, 26, 26, 0),
}


@pytest.fixture(autouse=True)
def _seed():
    print("seed 23")
    mx.random.seed(23)
    np.random.seed(23)


def new_net(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at import, about versions of what it depends on
        from gluoncv import model_zoo
    return model_zoo.get_model(name, pretrained=False)


def gluoncv_net(name):
    return ready(new_net(name), (1, 3, NETS[name][0], NETS[name][0]))


def ready(net, shape):
    """Initialized, with random statistics of batch norms; those of a new net would hide mistakes."""
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros(shape))
    for name, parameter in net.collect_params().items():
        if name.endswith(("gamma", "running_var")):
            parameter.set_data(mx.nd.random.uniform(0.7, 1.3, parameter.shape))
        elif name.endswith(("beta", "running_mean")):
            parameter.set_data(mx.nd.random.uniform(-0.2, 0.2, parameter.shape))
    return net


def normal(*shape):
    return mx.nd.random.normal(shape=shape)


def binarize_body(block):
    """All convolutions but those of the block's own shortcut."""
    return binarize(block, lambda name, layer: "downsample" in name, shortcuts="per_conv", verbose=False)


def gradients(net, x):
    with mx.autograd.record():
        out = net(x)
    out.backward()
    return [p.grad().asnumpy() for p in net.collect_params().values() if p.grad_req != "null"]


# What blocks compute, in NumPy and MXNet's own operators


def signs(x):
    return mx.nd.where(x < 0, -mx.nd.ones_like(x), mx.nd.ones_like(x))


def convolve(layer, x):
    arguments = {key: layer._kwargs[key] for key in ("kernel", "stride", "pad", "num_filter")}
    return mx.nd.Convolution(x, signs(layer.weight.data()), no_bias=True, **arguments)


@pytest.mark.parametrize("stride", [1, 2])
def test_basic_block_v1_computes_what_bi_real_net_does(stride):
    block = ready(resnet.BasicBlockV1(8, stride, downsample=stride == 2, in_channels=8), (1, 8, 6, 6))
    for layer in (block.body[0], block.body[3]):  # Gluon's own have no bias
        assert layer.bias is None
    binarize_body(block)
    x = normal(2, 8, 6, 6)
    shortcut = block.downsample(x) if stride == 2 else x
    y = shortcut + block.body[1](convolve(block.body[0], signs(x)))
    z = y + block.body[4](convolve(block.body[3], signs(y)))
    # The last ReLU feeds no sign.
    np.testing.assert_allclose(block(x).asnumpy(), mx.nd.relu(z).asnumpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_basic_block_v2_norms_in_front(stride):
    block = ready(resnet.BasicBlockV2(8, stride, downsample=stride == 2, in_channels=8), (1, 8, 6, 6))
    binarize_body(block)
    x = normal(2, 8, 6, 6)
    normed = block.bn1(x)
    shortcut = block.downsample(mx.nd.relu(normed)) if stride == 2 else x
    y = shortcut + convolve(block.conv1, signs(normed))
    z = y + convolve(block.conv2, signs(block.bn2(y)))
    np.testing.assert_allclose(block(x).asnumpy(), z.asnumpy(), rtol=1e-5, atol=1e-5)


def test_bottleneck_has_a_shortcut_where_the_shape_stays():
    block = ready(resnet.BottleneckV1(16, 1, downsample=True, in_channels=8), (1, 8, 6, 6))
    report = binarize_body(block)
    assert dict(report.changed)["(net)"] == (
        "BottleneckV1: a shortcut around body.3; none around body.0, ? -> 4 channels; none around body.6, "
        "4 -> 16 channels"
    )
    x = normal(2, 8, 6, 6)
    first, second, third = (block.body[i] for i in (0, 3, 6))
    y = block.body[1](convolve(first, signs(x)) + first.bias.data().reshape((1, -1, 1, 1)))
    y = y + block.body[4](convolve(second, signs(y)))
    y = block.body[7](convolve(third, signs(y)) + third.bias.data().reshape((1, -1, 1, 1)))
    expected = mx.nd.relu(y + block.downsample(x))
    np.testing.assert_allclose(block(x).asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-5)


def test_relu_after_the_sum_is_taken_out_where_it_feeds_a_sign():
    net = float_nn.HybridSequential()
    net.add(resnet.BasicBlockV1(4, 1, in_channels=4), resnet.BasicBlockV1(4, 1, in_channels=4))
    ready(net, (1, 4, 6, 6))
    report = binarize(net, lambda name, layer: False, shortcuts="per_conv", verbose=False)
    x = normal(2, 4, 6, 6)
    y = net[0](x)
    assert y.asnumpy().min() < 0
    assert net[1](y).asnumpy().min() == 0
    assert report.title == (
        "binarize: 4 of 4 layers made binary, 3 ReLUs taken out, "
        "2 residual blocks with a shortcut per convolution"
    )
    # Nothing cut off, so nothing to tell apart: an ordinary sign.
    assert type(net[1].body[0].settings.input_quantizer) is nn.DetSign


def test_gradients_are_those_of_the_formula():
    block = ready(resnet.BasicBlockV1(4, 2, downsample=True, in_channels=4), (1, 4, 6, 6))
    binarize_body(block)
    x = normal(2, 4, 6, 6)
    x.attach_grad()
    ours = [*gradients(block, x), x.grad.asnumpy()]

    def formula(x):
        y = block.downsample(x) + block.body[1](block.body[0](x))
        return mx.nd.relu(y + block.body[4](block.body[3](y)))

    with mx.autograd.record():
        out = formula(x)
    out.backward()
    expected = [p.grad() for p in block.collect_params().values() if p.grad_req != "null"]
    for mine, others in zip(ours, [*expected, x.grad]):
        np.testing.assert_allclose(mine, others.asnumpy(), rtol=1e-5, atol=1e-6)
    assert all(np.abs(gradient).max() > 0 for gradient in ours)


@pytest.mark.parametrize("name", NETS)
def test_gluoncv_nets(name):
    size, layers, relus, count = NETS[name]
    net, x = gluoncv_net(name), normal(2, 3, size, size)
    before, names = net(x).asnumpy(), list(net._collect_params_with_prefix())
    report = binarize(net, shortcuts="per_conv", verbose=False)
    assert report.title.startswith(f"binarize: {layers} of ")
    assert f" {relus} ReLUs taken out, {count} residual blocks" in report.title
    assert report.constant == ()
    # The same where no shape is known yet.
    assert binarize(new_net(name), shortcuts="per_conv", verbose=False).changed == report.changed
    assert list(net._collect_params_with_prefix()) == names
    export_float(net, verbose=False)
    np.testing.assert_array_equal(net(x).asnumpy(), before)
    assert not any(isinstance(block, (ShortcutPerConv, RemovedActivation)) for block in every_block(net))

    binarize(net, shortcuts="per_conv", verbose=False)
    binary = net(x).asnumpy()
    assert np.abs(binary - before).max() > 0
    net.hybridize()
    # MXNet fuses element-wise operators then.
    np.testing.assert_allclose(net(x).asnumpy(), binary, rtol=1e-5, atol=1e-5)
    assert all(np.isfinite(gradient).all() for gradient in gradients(net, x))


@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "resnet18_v1", "mobilenet0.25"])
def test_saved_loaded_exported_and_verified(name, tmp_path):
    size = NETS[name][0]
    net, other = gluoncv_net(name), gluoncv_net(name)
    for each in (net, other):
        binarize(each, shortcuts="per_conv", verbose=False)
    x = normal(4, 3, size, size)
    net.save_parameters(str(tmp_path / "net.params"))
    other.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_array_equal(net(x).asnumpy(), other(x).asnumpy())
    # Weights of the float net of the same name load as well.
    export_float(other, verbose=False)
    other.load_parameters(str(tmp_path / "net.params"))
    path = str(tmp_path / "net.bmx")
    # A sign of a float within rounding of 0 may differ; 1e-3 is what benchmarks/gluoncv_zoo.py allows.
    bmx.export(net, path, (1, 3, size, size), verify=False)
    report = bmx.verify(net, path, x.asnumpy(), tolerance=1e-3)
    assert report.passed, report


def every_block(block):
    yield block
    for child in block._children.values():
        yield from every_block(child)


# Where there cannot be one


class Block(HybridBlock):
    """A residual block with something in its middle, or at its end."""

    def __init__(self, middle=None, scale=False, activation=None):
        super().__init__()
        self.conv1 = float_nn.Conv2D(4, 3, padding=1, in_channels=4, activation=activation)
        self.middle = middle
        self.conv2 = float_nn.Conv2D(4, 3, padding=1, in_channels=4)
        self.scale = scale

    def hybrid_forward(self, F, x):
        y = self.conv1(x)
        y = self.conv2(self.middle(y) if self.middle else y)
        return x + (y * 0.5 if self.scale else y)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"middle": float_nn.LeakyReLU(0.1)}, "LeakyReLU (middle) between its convolutions"),
        ({"middle": float_nn.MaxPool2D(3, 1, 1)}, "Pooling (middle) between its convolutions"),
        ({"middle": float_nn.Conv2D(4, 1, in_channels=4)}, "middle stays float"),
        ({"scale": True}, "_mul_scalar in its code"),
        ({"activation": "relu"}, "Conv2D has an activation of its own"),
    ],
)
def test_why_there_is_none(arguments, reason):
    block = Block(**arguments)
    block.initialize()
    report = binarize(block, lambda name, layer: name == "middle", shortcuts="per_conv", verbose=False)
    assert dict(report.left)["(net)"] == f"Block, no shortcut per convolution: {reason}"
    assert type(block) is Block
    assert type(block.conv1) is nn.QConv2D
    block(normal(1, 4, 5, 5))


def test_a_chain_without_activations_qualifies():
    block = Block(float_nn.Dropout(0.5))
    block.initialize()
    binarize(block, lambda name, layer: False, shortcuts="per_conv", verbose=False)
    assert type(block) is ShortcutPerConv
    assert repr(block._children["middle"]) == "Dropout(p = 0.5, axes=())"
    export_float(block, verbose=False)
    assert type(block) is Block
    assert not hasattr(block, "_plan")


class Squeezed(HybridBlock):
    """Attention on the branch: not a chain."""

    def __init__(self):
        super().__init__()
        self.conv = float_nn.Conv2D(4, 3, padding=1, in_channels=4)
        self.gate = float_nn.Dense(4, activation="sigmoid")

    def hybrid_forward(self, F, x):
        y = self.conv(x)
        gate = self.gate(F.mean(y, axis=(2, 3)))
        return x + F.broadcast_mul(y, gate.reshape((0, 0, 1, 1)))


def test_a_branch_that_joins_values_has_none():
    block = Squeezed()
    block.initialize()
    report = binarize(block, lambda name, layer: name == "gate", shortcuts="per_conv", verbose=False)
    reasons = [entry.text for entry in report.left if "shortcut" in entry.text]
    assert reasons == [
        "Squeezed, no shortcut per convolution: broadcast_mul joins values in one of its branches"
    ]


def test_layers_outside_residual_blocks_are_listed():
    net = float_nn.HybridSequential()
    net.add(*(float_nn.Conv2D(4, 3) for _ in range(4)), float_nn.Dense(2))
    report = binarize(net, shortcuts="per_conv", verbose=False)
    assert dict(report.left)["(net)"] == "no shortcut around 1, 2, 3: no residual block holds them"


def test_net_that_cannot_be_traced_keeps_its_shortcuts():
    class Two(HybridBlock):
        def __init__(self):
            super().__init__()
            self.block = resnet.BasicBlockV1(4, 1, in_channels=4)

        def hybrid_forward(self, F, x, y):
            return self.block(x) + y

    net = Two()
    report = binarize(net, lambda name, layer: False, shortcuts="per_conv", verbose=False)
    assert "its ReLUs and shortcuts, because it could not be traced" in dict(report.left)["(net)"]
    assert type(net.block) is resnet.BasicBlockV1


def test_errors_change_nothing():
    net = ready(resnet.BasicBlockV1(4, 1, in_channels=4), (1, 4, 6, 6))
    with pytest.raises(
        ValueError, match=r"^bmx.gluon.binarize: expected shortcuts=None or 'per_conv', found 'all'\.$"
    ):
        binarize(net, shortcuts="all")
    with nn.defaults(weight_quantizer="tanh_sign"), pytest.raises(
        ValueError, match=r"without parameters, .* found TanhSign"
    ):
        binarize_body(net)
    assert type(net) is resnet.BasicBlockV1
    assert type(net.body[0]) is float_nn.Conv2D
    assert type(net.body[2]) is float_nn.Activation
