"""Every block in every mode: shapes, gradients, hybridized, saved, and the lowerings."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import library, nn
from bmx.gluon.nn import blocks


def pool():
    return float_nn.MaxPool2D(2)


# make, channels of the input, size of the input, channels and size of the output. Channels are no multiples
# of 64; with 0 the block finds the input channels itself.
CASES = {
    "bnn": (lambda: blocks.BNNConvBlock(70, pool_size=2), 3, (9, 8), 70, (4, 4)),
    "bnn_strided": (lambda: blocks.BNNConvBlock(70, 5, 2, activation=False), 3, (9, 8), 70, (5, 4)),
    "bnn_shift_norm": (lambda: blocks.BNNConvBlock(7, norm_layer=nn.ShiftBatchNorm), 3, (9, 8), 7, (9, 8)),
    "xnor": (lambda: blocks.XNORBlock(70, pool=pool(), activation="relu"), 33, (9, 8), 70, (4, 4)),
    "xnor_strided": (lambda: blocks.XNORBlock(7, 1, 2, 33, scaling="channel"), 33, (9, 8), 7, (5, 4)),
    "bwn": (lambda: blocks.BWNBlock(70, 3, 2, pool=pool()), 33, (9, 8), 70, (2, 2)),
    "bireal": (lambda: blocks.BiRealBlock(35), 35, (9, 8), 35, (9, 8)),
    "bireal_strided": (lambda: blocks.BiRealBlock(70, 2, 35), 35, (9, 8), 70, (5, 4)),
    "bireal_wider": (lambda: blocks.BiRealBlock(70, 1, 35, dilation=2), 35, (9, 8), 70, (9, 8)),
    "bireal_2_bits": (lambda: blocks.BiRealBlock(35, bits=2, input_bits=2), 35, (9, 8), 35, (9, 8)),
    "resnete": (lambda: blocks.ResNetEBlock(70, 2, downsample=True), 35, (9, 8), 70, (5, 4)),
    "dense": (lambda: blocks.BinaryDenseLayer(20), 35, (9, 8), 55, (9, 8)),
    "dense_dilated": (lambda: blocks.BinaryDenseLayer(20, 35, 5, 2, pad_value=-1), 35, (9, 8), 55, (9, 8)),
    "transition": (lambda: blocks.Transition(32), 48, (9, 8), 32, (4, 4)),
    "transition_grouped": (lambda: blocks.Transition(32, 48, False, 4, 16), 48, (9, 8), 32, (9, 8)),
    "melius": (lambda: blocks.MeliusUnit(20), 35, (9, 8), 55, (9, 8)),
    "improvement": (lambda: blocks.ImprovementBlock(35, 35, dilation=2), 35, (9, 8), 35, (9, 8)),
    "group": (lambda: blocks.GroupNetBlock(35, bases=3, gated=False), 35, (9, 8), 35, (9, 8)),
    "abc": (
        lambda: blocks.ABCBlock(20, 3, 2, weight_terms=2, input_terms=3, pool=pool()),
        15,
        (9, 8),
        20,
        (2, 2),
    ),
    "abc_residual": (lambda: blocks.ABCResidualBlock(20, 2, 15, 2, 2), 15, (9, 8), 20, (5, 4)),
    "react": (lambda: blocks.ReActBlock(35, in_channels=35), 35, (9, 8), 35, (9, 8)),
    "react_strided": (lambda: blocks.ReActBlock(70, 2, in_channels=35), 35, (9, 8), 70, (5, 4)),
    "react_resnet": (lambda: blocks.ReActResNetBlock(70, 2, in_channels=35), 35, (9, 8), 70, (5, 4)),
    "r2b": (lambda: blocks.RealToBinaryBlock(70, 2, in_channels=35), 35, (9, 8), 70, (5, 4)),
    "r2b_unscaled": (
        lambda: blocks.RealToBinaryBlock(35, in_channels=35, reduction=0),
        35,
        (9, 8),
        35,
        (9, 8),
    ),
    "quick": (lambda: blocks.QuickNetBlock(35), 35, (9, 8), 35, (9, 8)),
    "quick_transition": (lambda: blocks.QuickNetTransition(70, 35), 35, (9, 8), 70, (4, 4)),
    "bnext": (lambda: blocks.BNextBlock(70, 2, in_channels=35), 35, (9, 8), 70, (5, 4)),
    "bnext_plain": (lambda: blocks.BNextBlock(35, in_channels=35, attention=False), 35, (9, 8), 35, (9, 8)),
    "image_stem": (lambda: blocks.ImageStem(20), 3, (33, 30), 20, (9, 8)),
    "groupnet_stem": (lambda: blocks.ImageStem(20, norm_last=True, use_bias=True), 3, (33, 30), 20, (9, 8)),
    "thumbnail_stem": (lambda: blocks.ThumbnailStem(20), 3, (9, 8), 20, (9, 8)),
    "grouped_stem": (lambda: blocks.GroupedStem(48), 3, (33, 30), 48, (9, 8)),
    "react_stem": (lambda: blocks.ReActStem(20), 3, (9, 8), 20, (5, 4)),
    "quick_stem": (lambda: blocks.QuickNetStem(20), 3, (33, 30), 20, (9, 8)),
}
every = pytest.mark.parametrize("name", CASES)


def first(outputs):
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def randomize(net, seed=53):
    """Norms, shifts and shares away from where they start, so that all of them matter."""
    rng = np.random.default_rng(seed)
    for name, parameter in net.collect_params().items():
        if name.endswith(("gamma", "running_var", "running_inv_std", "share", "mixture", "gate")):
            parameter.set_data(mx.nd.array(rng.uniform(0.2, 1.5, parameter.shape)))
        elif name.endswith(("beta", "running_mean", "before", "after", "shift", "slope", "alpha")):
            parameter.set_data(mx.nd.array(rng.normal(0, 0.3, parameter.shape)))


def made(name):
    make, channels, size, *_ = CASES[name]
    mx.random.seed(47)
    net, x = make(), mx.nd.random.normal(shape=(2, channels, *size))
    net.initialize(mx.init.Xavier(magnitude=2))
    net(x)
    randomize(net)
    return net, x


@every
def test_shapes_and_hybridized(name):
    net, x = made(name)
    y = first(net(x))
    assert y.shape == (2, CASES[name][3], *CASES[name][4])
    net.hybridize(static_alloc=True, static_shape=True)
    np.testing.assert_allclose(first(net(x)).asnumpy(), y.asnumpy(), rtol=1e-5, atol=1e-5)


def gradients(net, x, weights):
    x.attach_grad()
    with mx.autograd.record():
        loss = (first(net(x)) * weights).sum()
    loss.backward()
    trained = {k: p for k, p in net._collect_params_with_prefix().items() if p.grad_req != "null"}
    return {"x": x.grad.asnumpy(), **{k: p.grad().asnumpy() for k, p in trained.items()}}


@every
def test_gradients_reach_every_parameter_alike_in_both_modes(name):
    net, x = made(name)
    weights = mx.nd.random.normal(shape=first(net(x)).shape)
    imperative = gradients(net, x, weights)
    for key, value in imperative.items():
        assert np.isfinite(value).all(), key
        assert value.any(), key
    net, x = made(name)
    net.hybridize(static_alloc=True, static_shape=True)
    hybrid = gradients(net, x, weights)
    for key, value in imperative.items():
        np.testing.assert_allclose(
            hybrid[key], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=key
        )


@every
def test_saved_and_loaded(name, tmp_path):
    net, x = made(name)
    net.save_parameters(str(tmp_path / "block.params"))
    other = CASES[name][0]()
    other.load_parameters(str(tmp_path / "block.params"))
    np.testing.assert_array_equal(first(other(x)).asnumpy(), first(net(x)).asnumpy())


@every
@pytest.mark.parametrize("lowering", ["operator", "inference"])
def test_lowerings_agree(name, lowering):
    if not library.is_loaded():
        pytest.skip(f"{library.PATH} is not built, so the operator lowering is not tested")
    net, x = made(name)
    expected = first(net(x)).asnumpy()
    with nn.lowering(lowering):
        found = first(net(x)).asnumpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_latent_weights_and_shapes_of_activations_do_not_decay():
    net, _ = made("bnext")
    free = {k for k, p in net._collect_params_with_prefix().items() if p.wd_mult == 0}
    assert {"spatial.conv.weight", "spatial.activation.alpha", "spatial.share"} <= free
    net, _ = made("group")
    free = {k for k, p in net._collect_params_with_prefix().items() if p.wd_mult == 0}
    assert "mixture" in free


def stage(**arguments):
    net = blocks.GroupNetStage()
    net.add(
        blocks.GroupNetBlock(10, 1, 10, bases=2, gated=False, **arguments),
        blocks.GroupNetBlock(20, 2, 10, bases=2, **arguments),
        blocks.GroupNetBlock(20, 1, 20, bases=2, **arguments),
    )
    return net


def test_groupnet_blocks_hand_their_bases_on():
    net, x = stage(), mx.nd.random.normal(shape=(2, 10, 9, 8))
    net.initialize(mx.init.Xavier())
    randomize(net)
    y = net(x)
    assert y.shape == (2, 20, 5, 4)
    values = [x]
    for block in net:
        values = block(*values)
        assert len(values) == 3
    np.testing.assert_array_equal(values[0].asnumpy(), y.asnumpy())
    net.hybridize()
    np.testing.assert_allclose(net(x).asnumpy(), y.asnumpy(), rtol=1e-5, atol=1e-5)
    found = gradients(net, x, mx.nd.random.normal(shape=y.shape))
    assert all(np.isfinite(value).all() and value.any() for value in found.values())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blocks.ReActBlock(64, in_channels=48), "expected channels 48 or 96"),
        (lambda: blocks.BNextBlock(64, in_channels=48), "expected channels 48 or 96"),
        (lambda: blocks.GroupedStem(20), "multiple of 16"),
        (lambda: blocks.QuickNetStem(18), "multiple of 4"),
        (lambda: blocks.ImprovementBlock(64, 32), "at least growth=64, found 32"),
        (lambda: blocks.Transition(32, 48, groups=5), "divide the channels"),
        (lambda: blocks.Transition(32, 40, shuffle_groups=16), "shuffle_groups=16"),
        (lambda: blocks.GroupNetBlock(8, bases=0), "bases of at least 1, found 0"),
        (
            lambda: blocks.QuickNetBlock(8, input_bits=2, pad_value=1),
            "expected pad_value 0 unless inputs and weights have one bit, found 1",
        ),
    ],
)
def test_arguments_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_gated_block_needs_bases():
    net = blocks.GroupNetBlock(4, bases=2)
    net.initialize()
    with pytest.raises(ValueError, match="expected 2 bases after the input"):
        net(mx.nd.zeros((1, 4, 5, 5)))


# What the papers quantize with: (input, weight), scaling, padding value
PAPERS = {
    "xnor": (("DetSign(clip=1.0)", "DetSign(clip=1.0)"), "xnor", 0),
    "bwn": (("Identity()", "DetSign(clip=1.0)"), "channel", 0),
    "bireal": (("ApproxSign()", "DetSign(clip=1.0)"), "channel_detached", 0),
    "resnete": (("DetSign(clip=1.3)", "DetSign(clip=None)"), None, 0),
    "dense": (("DetSign(clip=1.3)", "DetSign(clip=None)"), None, 0),
    "melius": (("DetSign(clip=1.3)", "DetSign(clip=None)"), None, 0),
    "group": (("ApproxSign()", "DetSign(clip=None)"), "tensor", 1),
    "react": (("RSign()", "DetSign(clip=1.0)"), "channel_detached", 0),
    "quick": (("DetSign(clip=1.25)", "DetSign(clip=1.25)"), None, 1),
}


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_quantizers(name):
    def layers(block):
        if isinstance(block, nn.QConv2D):
            yield block.settings
        for child in block._children.values():
            yield from layers(child)

    with nn.defaults(scaling="channel", pad_value=-1, clip=1.0):
        found = list(layers(CASES[name][0]()))
    quantizers, scaling, _ = PAPERS[name]
    assert found
    for settings in found:
        assert tuple(map(repr, settings.quantizers)) == quantizers
        assert settings.scaling == scaling
    found = list(layers(CASES[name][0]()))
    assert all(settings.pad_value == PAPERS[name][2] for settings in found)
