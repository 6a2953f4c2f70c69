"""binarize and export_float: what changes in a net, and that everything else stays."""

from __future__ import annotations

import warnings

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, Trainer
from mxnet.gluon import nn as float_nn

from bmx.gluon import binarize, export_float, nn
from bmx.gluon.surgery import RemovedActivation
from tests.support.surgery import Residual, chain, normal, step, vgg

# Family -> (size of the image, layers made binary, ReLUs taken out, layers after ReLUs that stay).
FAMILIES = {
    "alexnet": (224, 6, 6, 0),
    "cifar_resnet20_v1": (32, 20, 9, 10),
    "cifar_resnext29_32x4d": (32, 30, 19, 10),
    "densenet121": (224, 119, 119, 0),
    "inceptionv3": (299, 93, 88, 0),
    "mobilenet0.25": (64, 26, 26, 0),
    "mobilenetv2_0.25": (64, 51, 34, 0),
    "mobilenetv3_small": (64, 52, 13, 2),
    "resnet18_v1": (64, 19, 8, 11),
    "resnet18_v2": (64, 19, 0, 19),
    "se_resnet18_v1": (64, 35, 16, 11),
    "squeezenet1.1": (224, 24, 23, 0),
    "vgg11_bn": (32, 9, 9, 0),
    "xception": (64, 131, 20, 8),
}


@pytest.fixture(autouse=True)
def _seed():
    print("seed 11")
    mx.random.seed(11)
    np.random.seed(11)


def get_model(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at import, about versions of what it depends on
        from gluoncv import model_zoo
    return model_zoo.get_model(name, pretrained=False)


@pytest.mark.parametrize("name", FAMILIES)
def test_gluoncv_families(name, tmp_path):
    size, layers, relus, constant = FAMILIES[name]
    net = get_model(name)
    net.initialize(mx.init.Xavier())
    x = normal(1, 3, size, size)
    before = net(x).asnumpy()
    names = list(net._collect_params_with_prefix())
    report = binarize(net, verbose=False)
    assert [
        sum("-> Q" in entry.text for entry in report.changed),
        sum("taken out" in entry.text for entry in report.changed),
        sum("where its input is 0" in entry.text for entry in report.changed),
    ] == [layers, relus, constant]
    assert report.constant == ()
    assert list(net._collect_params_with_prefix()) == names
    export_float(net, verbose=False)
    np.testing.assert_array_equal(net(x).asnumpy(), before)

    binarize(net, verbose=False)
    net.save_parameters(str(tmp_path / "net.params"))
    binary = net(x).asnumpy()
    assert np.isfinite(binary).all()
    assert np.abs(binary - before).max() > 0
    step(net, x)
    for parameter in net.collect_params().values():
        if parameter.grad_req != "null":
            assert np.isfinite(parameter.grad().asnumpy()).all(), parameter.name
    net.load_parameters(str(tmp_path / "net.params"))
    net.hybridize()
    np.testing.assert_array_equal(net(x).asnumpy(), binary)
    step(net, x)


@pytest.mark.parametrize("name", ["alexnet", "cifar_resnet20_v1", "mobilenetv2_0.25"])
def test_uninitialized_nets(name):
    net = get_model(name)
    binarize(net, verbose=False)
    net.initialize(mx.init.Xavier())
    size = FAMILIES[name][0]
    assert np.isfinite(step(net, normal(1, 3, size, size))).all()


def test_a_layer_equals_one_built_by_hand(lowered):
    arguments = dict(kernel_size=(3, 2), strides=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    conv = float_nn.Conv2D(6, activation="tanh", in_channels=4, **arguments)
    dense = float_nn.Dense(7, activation="tanh", flatten=False)
    net = chain(conv, dense)
    x = normal(2, 4, 9, 8)
    net(x)
    with nn.defaults(pad_value=1, clip=0.5):
        report = binarize(net, keep=lambda name, layer: False, verbose=False)
        hand = chain(
            nn.QConv2D(6, activation="tanh", in_channels=4, **arguments),
            nn.QDense(7, activation="tanh", flatten=False),
        )
    hand(x)
    assert [entry.text for entry in report.changed] == ["Conv2D -> QConv2D", "Dense -> QDense"]
    for layer, other in zip(net, hand):
        assert type(layer) is type(other)
        assert set(vars(layer)) - {"_float_wd_mult"} == set(vars(other))
        assert layer.settings.pad_value == other.settings.pad_value
        assert layer.weight.wd_mult == other.weight.wd_mult == 0
        other.weight.set_data(layer.weight.data())
        other.bias.set_data(layer.bias.data())
    with nn.lowering(lowered):
        np.testing.assert_array_equal(step(net, x), step(hand, x))
    for layer, other in zip(net, hand):
        np.testing.assert_array_equal(layer.weight.grad().asnumpy(), other.weight.grad().asnumpy())


def test_report(capsys):
    net = vgg()
    report = binarize(net)
    assert capsys.readouterr().out == f"{report}\n"
    assert report.title == "binarize: 2 of 4 layers made binary, 2 ReLUs taken out"
    assert dict(report.changed) == {
        "3": "Activation(relu) taken out: it fed the sign of 4",
        "4": "Conv2D -> QConv2D",
        "6": "Activation(relu) taken out: it fed the sign of 7",
        "7": "Dense -> QDense",
    }
    assert [(entry.name, entry.text.split(": ")[-1]) for entry in report.left] == [
        ("0", "first layer"),
        ("10", "last layer"),
    ]
    assert report.constant == ()
    assert "changed:\n  3   Activation(relu) taken out" in str(report)


def test_attributes_children_and_references_agree():
    net = Residual()
    conv = net.conv2
    binarize(net, verbose=False)
    for name in ("conv1", "conv2", "conv3"):
        assert type(getattr(net, name)) is nn.QConv2D
        assert getattr(net, name) is net._children[name]
    assert conv is net.conv2


def test_a_layer_in_two_places_and_layers_that_share_parameters():
    twice = float_nn.Conv2D(4, 3, padding=1, in_channels=4)
    tied = float_nn.Conv2D(4, 3, padding=1, in_channels=4, params=twice.params)
    net = chain(float_nn.Conv2D(4, 3), twice, float_nn.BatchNorm(), twice, tied, float_nn.Dense(2))
    binarize(net, verbose=False)
    assert net[1] is net[3]
    assert type(net[1]) is type(net[4]) is nn.QConv2D
    assert net[4].weight is net[1].weight
    step(net, normal(1, 3, 8, 8))
    export_float(net, verbose=False)
    assert type(net[3]) is type(net[4]) is float_nn.Conv2D
    assert net[1].weight.wd_mult == 1.0


def test_predicate_replaces_first_and_last():
    net, seen = vgg(), []

    def keep(name, layer):
        seen.append((name, type(layer).__name__))
        return name == "4"

    report = binarize(net, keep, verbose=False)
    assert seen == [("0", "Conv2D"), ("4", "Conv2D"), ("7", "Dense"), ("10", "Dense")]
    assert [name for name, text in report.changed if "-> Q" in text] == ["0", "7", "10"]
    assert [(name, text.split(": ")[-1]) for name, text in report.left] == [("4", "kept float by keep")]
    assert repr(net[7].act) == "RemovedActivation(Activation)"  # it now feeds the sign of 10
    step(net, normal(2, 3, 8, 8))


def test_a_trainer_goes_on():
    net, x = vgg(), normal(2, 3, 8, 8)
    net(x)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.5})
    binarize(net, verbose=False)
    step(net, x)
    weight = net[4].weight
    expected = weight.data().asnumpy() - np.float32(0.1) * weight.grad().asnumpy()  # and no decay
    trainer.step(1)
    np.testing.assert_allclose(weight.data().asnumpy(), expected, rtol=1e-5, atol=1e-7)


def test_layers_without_a_binary_counterpart():
    class Own(float_nn.Dense):
        pass

    half = float_nn.Dense(4)
    half.cast("float16")
    net = chain(
        float_nn.Conv2D(4, 3),
        float_nn.Conv2D(4, 3, layout="NHWC", in_channels=4),
        float_nn.Conv2DTranspose(4, 3),
        Own(4),
        half,
        float_nn.Dense(4),
        float_nn.Dense(3),
    )
    report = binarize(net, verbose=False)
    assert [name for name, _ in report.changed] == ["5"]
    assert [text.split(": ")[-1] for _, text in report.left] == [
        "first layer",
        "layout NHWC, binary layers need NCHW",
        "there is no binary Conv2DTranspose",
        "there is no binary Own",
        "dtype float16, binary layers train in float32",
        "last layer",
    ]


def test_two_inputs_cannot_be_traced():
    class Sum(HybridBlock):
        def __init__(self):
            super().__init__()
            self.one, self.two = float_nn.Dense(4, activation="relu"), float_nn.Dense(4, activation="relu")
            self.output = float_nn.Dense(3)

        def hybrid_forward(self, F, x, y):
            return self.output(self.one(x) + self.two(y))

    net = Sum()
    net.initialize()
    report = binarize(net, verbose=False)
    assert [entry.name for entry in report.changed] == ["two"]
    assert report.left[-1].name == "(net)"
    assert "could not be traced: TypeError" in report.left[-1].text
    net(normal(2, 3), normal(2, 3))
    with mx.AttrScope() as scope:
        assert scope.get(None) == {}  # what the failed trace opened is closed


def test_sequential_that_is_not_hybrid():
    net = float_nn.Sequential()
    net.add(float_nn.Dense(4), float_nn.Activation("relu"), float_nn.Dense(4), float_nn.Dense(3))
    net.initialize()
    report = binarize(net, verbose=False)
    assert [name for name, _ in report.changed] == ["1", "2"]
    step(net, normal(2, 3))


def test_a_layer_out_of_use_stays():
    net = Residual()
    net.auxiliary = float_nn.Dense(2)
    report = binarize(net, verbose=False)
    assert dict(report.left)["auxiliary"] == f"{net.auxiliary}: the forward pass does not use it"


def test_the_trace_leaves_nothing_in_the_net(tmp_path):
    net, x = vgg(), normal(2, 3, 8, 8)
    binarize(net, verbose=False)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in net)
    net.hybridize()
    net(x)
    assert "__bmx_block__" not in net._cached_graph[1].tojson()


def test_errors_are_one_sentence_and_change_nothing():
    with pytest.raises(TypeError, match=r"^bmx.gluon.binarize: expected a gluon Block, found int\.$"):
        binarize(3)
    with pytest.raises(
        TypeError, match=r"^bmx.gluon.export_float: expected a gluon Block, found NoneType\.$"
    ):
        export_float(None)
    message = r"^bmx.gluon.binarize: expected layers to make binary, found none in HybridSequential: "
    net = chain(float_nn.Dense(3, in_units=2), float_nn.Dense(2, in_units=3))
    with pytest.raises(
        ValueError, match=message + r"0: Dense\(2 -> 3, linear\): first layer; 1: .*last layer\.$"
    ):
        binarize(net)
    assert type(net[0]) is float_nn.Dense
    with pytest.raises(ValueError, match=message + r"no Conv2D and no Dense in it\.$"):
        binarize(chain(float_nn.Flatten()))
    with pytest.raises(
        ValueError,
        match=r"^bmx.gluon.export_float: expected layers to make float, found no QConv2D and no QDense in ",
    ):
        export_float(net)


def test_a_net_with_binary_layers_already():
    net = chain(
        float_nn.Dense(4), float_nn.Activation("relu"), nn.QDense(4), float_nn.Dense(4), float_nn.Dense(3)
    )
    settings = net[2].settings
    report = binarize(net, verbose=False)
    assert [name for name, _ in report.changed] == ["1", "3"]
    assert net[2].settings is settings
    assert isinstance(net[1], RemovedActivation)
    export_float(net, verbose=False)
    assert type(net[2]) is float_nn.Dense
    assert net[2].weight.wd_mult == 1.0


def test_optimizers_know_what_was_made_binary():
    net = float_nn.HybridSequential()
    net.add(float_nn.Dense(4), float_nn.Dense(5), float_nn.Dense(6))
    binarize(net, verbose=False)
    assert [getattr(layer.weight, "binary", False) for layer in net] == [False, True, False]
    export_float(net)
    assert not any(getattr(layer.weight, "binary", False) for layer in net)


def test_quantizers_that_bring_parameters_are_refused():
    net = float_nn.HybridSequential()
    net.add(float_nn.Dense(4), float_nn.Dense(5, in_units=4), float_nn.Dense(6))
    before = [type(layer) for layer in net]
    with nn.defaults(weight_quantizer="tanh_sign"), pytest.raises(
        ValueError, match=r"without parameters, .* found TanhSign"
    ):
        binarize(net, verbose=False)
    assert [type(layer) for layer in net] == before
