"""The lowerings agree in every mode of Gluon: imperative, hybrid, static, exported, adding gradients."""

from __future__ import annotations

import json

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import nn

MODES = {
    "imperative": None,
    "hybrid": {},
    "static": {"static_alloc": True, "static_shape": True},
}


def binary_net():
    """Every layer, with and without bias, after batch norms that spread their inputs around zero."""
    net = float_nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            nn.QConv2D(33, 3, padding=1, pad_value=1, bias_initializer=mx.init.Normal(1)),
            float_nn.BatchNorm(),
            nn.QActivation(),
            nn.QConv2D(8, 3, strides=2, use_bias=False, input_quantizer=None),
            float_nn.BatchNorm(),
            nn.QDense(12, output_range="popcount"),
            float_nn.BatchNorm(),
        )
    return net


class ManyConsumers(mx.gluon.HybridBlock):
    """The same input and the same latent weight read by ten layers each, more than MXNet sums at once."""

    def __init__(self):
        super().__init__(prefix="many_")
        with self.name_scope():
            self.stem = nn.QDense(20, flatten=False, prefix="stem_")
            self.scale = float_nn.Dense(20, flatten=False, prefix="scale_")
            self.readers = float_nn.HybridSequential(prefix="")
            for index in range(10):
                shared = self.readers[0].params if index else None
                self.readers.add(nn.QDense(20, prefix="reader_", params=shared))
            self.activation = nn.QActivation()

    def hybrid_forward(self, F, x):
        x = self.scale(self.stem(x)) * 0.1
        out = self.activation(x)
        for index in range(10):
            reader = self.readers[index]
            out = out + (index + 1) * reader(x) + self.activation(x)
        return out


def train_steps(make_net, shape, lowering, mode, grad_req, steps=3, seed=7):
    """Outputs, input gradient and parameter gradients after some steps without an update."""
    mx.random.seed(seed)
    np.random.seed(seed)
    net = make_net()
    net.initialize(mx.init.Normal(0.7))
    net.collect_params().setattr("grad_req", grad_req)
    if MODES[mode] is not None:
        net.hybridize(**MODES[mode])
    random = np.random.RandomState(seed)
    x = mx.nd.array(random.normal(size=shape))
    x.attach_grad(grad_req)
    with nn.lowering(lowering):
        for _ in range(steps):
            with mx.autograd.record():
                y = net(x)
            y.backward(mx.nd.array(random.normal(size=y.shape)))
    gradients = {name: p.grad().asnumpy() for name, p in net.collect_params().items() if p.grad_req != "null"}
    return y.asnumpy(), {"data": x.grad.asnumpy(), **gradients}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("grad_req", ["write", "add"])
@pytest.mark.parametrize(
    ("make_net", "shape"),
    [(binary_net, (4, 5, 9, 8)), (ManyConsumers, (6, 13))],
    ids=["net", "many-consumers"],
)
def test_all_modes_agree(make_net, shape, mode, grad_req, lowered):
    y, gradients = train_steps(make_net, shape, lowered, mode, grad_req)
    expected_y, expected = train_steps(make_net, shape, "native", "imperative", grad_req)
    # Batch norm and sums of gradients round differently from mode to mode; everything between is equal.
    np.testing.assert_allclose(y, expected_y, rtol=1e-4, atol=1e-4)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=2e-5 * scale + 1e-5, err_msg=name)


@pytest.mark.parametrize("mode", MODES)
def test_added_gradients_are_the_sum(mode, lowered):
    """grad_req='add' directly in front of a layer, from integers, so that sums are exact."""
    layer = nn.QConv2D(4, 3, padding=1, in_channels=3, bias_initializer=mx.init.Normal(1))
    layer.initialize(mx.init.Normal(1))
    if MODES[mode] is not None:
        layer.hybridize(**MODES[mode])
    x = mx.nd.random.normal(shape=(2, 3, 6, 5))
    random = np.random.RandomState(0)
    dy = [mx.nd.array(random.randint(-4, 5, (2, 4, 6, 5))) for _ in range(3)]

    def gradients(grad_req, seeds):
        layer.collect_params().setattr("grad_req", grad_req)
        layer.collect_params().zero_grad()
        x.attach_grad(grad_req)
        for seed in seeds:
            with nn.lowering(lowered), mx.autograd.record():
                y = layer(x)
            y.backward(seed)
        return [x.grad.asnumpy(), layer.weight.grad().asnumpy(), layer.bias.grad().asnumpy()]

    single = [gradients("write", [seed]) for seed in dy]
    for added, *parts in zip(gradients("add", dy), *single):
        np.testing.assert_array_equal(added, sum(parts))
        assert np.abs(parts[0]).max() > 0


@pytest.mark.parametrize("frozen", ["data", "weight", "bias"])
def test_inputs_without_gradient(frozen, lowered):
    layer = nn.QDense(3, in_units=4)
    layer.initialize(mx.init.Normal(1))
    x = mx.nd.random.normal(shape=(2, 4))
    x.attach_grad("null" if frozen == "data" else "write")
    if frozen != "data":
        getattr(layer, frozen).grad_req = "null"
    with nn.lowering(lowered), mx.autograd.record():
        y = layer(x)
    y.backward()
    if frozen != "weight":
        assert np.abs(layer.weight.grad().asnumpy()).max() > 0


@pytest.mark.filterwarnings(
    "ignore:Cannot decide type:UserWarning"
)  # of SymbolBlock.imports, before any data
@pytest.mark.parametrize("mode", ["hybrid", "static"])
def test_export_and_import(tmp_path, mode, lowered):
    net = binary_net()
    net.initialize(mx.init.Normal(0.7))
    net.hybridize(**MODES[mode])
    x = mx.nd.random.normal(shape=(2, 5, 9, 8))
    with nn.lowering(lowered):
        expected = net(x).asnumpy()
    net.export(str(tmp_path / "net"), epoch=3)
    symbol_file = tmp_path / "net-symbol.json"
    imported = mx.gluon.SymbolBlock.imports(str(symbol_file), ["data"], str(tmp_path / "net-0003.params"))
    np.testing.assert_array_equal(imported(x).asnumpy(), expected)
    operators = {node["op"] for node in json.loads(symbol_file.read_text())["nodes"]}
    assert ("QActivation" in operators) == (lowered != "native")
    assert ({"QConvolution", "QFullyConnected"} <= operators) == (lowered == "operator")
    assert bool({"Convolution", "FullyConnected"} & operators) == (lowered != "operator")


def test_operator_attributes_say_everything_the_compiler_needs():
    layer = nn.QConv2D(4, 3, 2, 1, pad_value=-1, output_range="popcount", groups=2, use_bias=False)
    with nn.lowering("operator"):
        nodes = json.loads(nn.QActivation(clip=None)(layer(mx.sym.var("data"))).tojson())["nodes"]
    attributes = {node["op"]: node.get("attrs") for node in nodes}
    assert attributes["QActivation"] == {"method": "det_sign", "clip": "inf"}
    assert attributes["QConvolution"] == {
        "kernel": "(3, 3)",
        "stride": "(2, 2)",
        "dilate": "(1, 1)",
        "pad": "(1, 1)",
        "num_filter": "4",
        "num_group": "2",
        "no_bias": "True",
        "layout": "NCHW",
        "pad_value": "-1",
        "input_quantizer": "det_sign",
        "input_clip": "1.0",
        "weight_quantizer": "det_sign",
        "weight_clip": "1.0",
        "output_range": "popcount",
    }


def test_training_lowers_the_loss(lowered):
    """A few optimizer steps lower the loss of a net that fits random labels."""
    mx.random.seed(1)
    np.random.seed(1)
    net = binary_net()
    net.initialize(mx.init.Normal(0.1))
    net.hybridize()
    x = mx.nd.random.normal(shape=(16, 5, 9, 8))
    labels = mx.nd.array(np.random.RandomState(0).randint(0, 12, 16))
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    losses = []
    with nn.lowering(lowered):
        for _ in range(30):
            with mx.autograd.record():
                loss = loss_of(net(x), labels).mean()
            loss.backward()
            trainer.step(1)
            losses.append(loss.asscalar())
    assert losses[-1] < 0.5 * losses[0]


def test_lowering_is_restored_after_an_exception(lowered):
    def fail_inside():
        with nn.lowering(lowered):
            assert nn.current_lowering() == lowered
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert nn.current_lowering() == "native"
