"""net.optimize_for(x, backend='bmx'): packed layers equal the unpacked ones, also after export and import."""

from __future__ import annotations

import json

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import library, nn
from bmx.gluon.model_zoo import get_model

pytestmark = [
    pytest.mark.skipif(not library.is_loaded(), reason=f"{library.PATH} is not built"),
    # Of SymbolBlock.imports, before any data.
    pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning"),
]

GEOMETRIES = {
    "plain": {"kernel_size": 3},
    "1x1": {"kernel_size": 1},
    "padding": {"kernel_size": 3, "padding": 1},
    "pad-one": {"kernel_size": 3, "padding": (2, 1), "pad_value": 1},
    "pad-minus-one": {"kernel_size": (3, 2), "padding": 1, "pad_value": -1},
    "stride": {"kernel_size": 3, "strides": (2, 3), "padding": 1},
    "dilation": {"kernel_size": 3, "dilation": 2, "padding": 2},
    "no-bias": {"kernel_size": 3, "use_bias": False},
    "popcount": {"kernel_size": 3, "padding": 1, "output_range": "popcount"},
}
MODES = {"hybrid": {}, "static": {"static_alloc": True, "static_shape": True}}


def seeded(seed=11):
    print(f"seed {seed}")
    mx.random.seed(seed)
    np.random.seed(seed)


def normal(*shape):
    """Random values around zero, some of them exactly zero."""
    x = mx.nd.random.normal(shape=shape)
    return x * (mx.nd.abs(x) > 0.05)


def ready(block, x, initializer=None):
    """The block, initialized, with zeros among its weights."""
    block.initialize(initializer or mx.init.Normal(1))
    block(x)
    for parameter in block.collect_params(".*weight").values():
        parameter.set_data(parameter.data() * (mx.nd.abs(parameter.data()) > 0.05))
    return block


def outputs(block, x):
    """Of the native and of the operator lowering."""
    found = {}
    for name in ("native", "operator"):
        block.hybridize(False)
        with nn.lowering(name):
            found[name] = block(x).asnumpy()
    return found


def operators(block):
    return [node["op"] for node in json.loads(block._cached_graph[1].tojson())["nodes"]]


def exported(block, folder):
    """The block again from the files that it exports, and what the files hold."""
    block.export(str(folder / "net"), epoch=2)
    symbol, params = str(folder / "net-symbol.json"), str(folder / "net-0002.params")
    return mx.gluon.SymbolBlock.imports(symbol, ["data"], params), mx.nd.load(params)


def assert_packs_equal(block, x, folder):
    expected = outputs(block, x)
    block.optimize_for(x, backend="bmx")
    packed = block(x).asnumpy()
    np.testing.assert_array_equal(packed, expected["operator"])
    np.testing.assert_array_equal(packed, expected["native"])
    imported, _ = exported(block, folder)
    np.testing.assert_array_equal(imported(x).asnumpy(), packed)
    assert np.abs(packed).max() > 0


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels", [3, 31, 64, 65, 128])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution(geometry, channels, batch, tmp_path):
    seeded()
    x = normal(batch, channels, 9, 7)
    layer = nn.QConv2D(10, bias_initializer=mx.init.Normal(1), prefix="conv_", **GEOMETRIES[geometry])
    assert_packs_equal(ready(layer, x), x, tmp_path)
    assert "QConvolutionPacked" in operators(layer)


@pytest.mark.parametrize(
    ("groups", "in_channels", "channels"), [(2, 6, 4), (2, 130, 8), (3, 192, 9), (31, 31, 62)]
)
def test_groups(groups, in_channels, channels, tmp_path):
    seeded()
    x = normal(2, in_channels, 6, 5)
    layer = nn.QConv2D(channels, 3, padding=1, pad_value=-1, groups=groups)
    assert_packs_equal(ready(layer, x), x, tmp_path)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("units", [1, 8, 65])
@pytest.mark.parametrize("inputs", [3, 31, 64, 65, 128])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"output_range": "popcount"}], ids=str)
def test_dense(options, inputs, units, batch, tmp_path):
    seeded()
    x = normal(batch, inputs)
    layer = nn.QDense(units, bias_initializer=mx.init.Normal(1), prefix="dense_", **options)
    assert_packs_equal(ready(layer, x), x, tmp_path)
    assert "QFullyConnectedPacked" in operators(layer)


@pytest.mark.parametrize("flatten", [True, False])
def test_dense_on_more_axes(flatten, tmp_path):
    seeded()
    x = normal(2, 5, 13)
    assert_packs_equal(ready(nn.QDense(7, flatten=flatten), x), x, tmp_path)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("batch", [1, 3])
def test_lenet(batch, mode, tmp_path):
    seeded()
    x = normal(batch, 1, 28, 28)
    net = ready(get_model("lenet"), x, mx.init.Normal(0.7))
    expected = outputs(net, x)
    net.optimize_for(x, backend="bmx", **MODES[mode])
    for _ in range(3):
        np.testing.assert_array_equal(net(x).asnumpy(), expected["operator"])
    np.testing.assert_allclose(net(x).asnumpy(), expected["native"], rtol=1e-5, atol=1e-5)
    assert net(normal(5, 1, 28, 28)).shape == (5, 10)  # other batches too

    imported, params = exported(net, tmp_path)
    np.testing.assert_array_equal(imported(x).asnumpy(), expected["operator"])
    # Packed weights only, in the order of .bmx files.
    binary = {key: value for key, value in params.items() if "conv1" in key or "dense0" in key}
    assert {(key.split("_", 1)[1], value.shape) for key, value in binary.items()} == {
        ("conv1_weight_packed", (64, 5, 5, 8)),
        ("dense0_weight_packed", (1000, 128)),
    }
    assert all(value.dtype == np.uint8 for value in binary.values())


def test_bit_order():
    layer = nn.QConv2D(2, (1, 2), in_channels=11, use_bias=False, prefix="conv_")
    layer.initialize()
    weight = np.random.RandomState(5).normal(size=(2, 11, 1, 2)).astype(np.float32)
    weight[0, :2] = 0
    layer.weight.set_data(mx.nd.array(weight))
    layer.optimize_for(mx.nd.ones((1, 11, 3, 3)), backend="bmx")
    found = {p.name: p for is_input, p in layer._cached_op_args if not is_input}
    expected = np.packbits(weight.transpose(0, 2, 3, 1) >= 0, axis=-1, bitorder="little")
    np.testing.assert_array_equal(found["conv_weight_packed"].data().asnumpy(), expected)


def test_files_shrink_32_times(tmp_path):
    layer = nn.QConv2D(256, 3, in_channels=128, use_bias=False)
    layer.initialize(mx.init.Normal(1))
    x = mx.nd.ones((1, 128, 5, 5))
    sizes = []
    for pack in (False, True):
        layer.hybridize()
        layer(x)
        if pack:
            layer.optimize_for(x, backend="bmx")
        layer.export(str(tmp_path / "net"))
        sizes.append((tmp_path / "net-0000.params").stat().st_size)
    assert sizes[0] / sizes[1] == pytest.approx(32, rel=0.01)


def test_explicit_activations_and_custom_input_quantizers(tmp_path):
    """Inputs that the layer does not quantize: +-1 from elsewhere, and values that are not binary at all."""

    class Flipped(nn.Quantizer):
        def codes(self, F, x, **learned):
            return 2 * (x < 0) - 1

    seeded()
    x = normal(2, 5, 8, 8)
    net = float_nn.HybridSequential()
    net.add(
        nn.QActivation(),
        nn.QConv2D(6, 3, input_quantizer=None),
        nn.QConv2D(7, 3, padding=1, pad_value=1, input_quantizer=Flipped()),
        nn.QConv2D(8, 3, padding=1, pad_value=-1, input_quantizer=None),
    )
    assert_packs_equal(ready(net, x), x, tmp_path)


def test_shared_weights(tmp_path):
    seeded()
    x = normal(4, 16)
    net = float_nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(nn.QDense(16, prefix="one_"))
        net.add(nn.QDense(16, params=net[0].params, prefix="one_"))
    assert_packs_equal(ready(net, x), x, tmp_path)
    assert operators(net).count("QFullyConnectedPacked") == 2
    names = net._cached_graph[1].list_arguments()
    assert sorted(name for name in names if "weight" in name) == ["net_one_weight_packed"]


class ReadTwice(mx.gluon.HybridBlock):
    """A latent weight that the net also reads as it is."""

    def __init__(self):
        super().__init__(prefix="twice_")
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(4, 6))

    def hybrid_forward(self, F, x, weight):
        out = F.QFullyConnected(x, weight, num_hidden=4, no_bias=True)
        return out + F.FullyConnected(x, weight, num_hidden=4, no_bias=True)


def test_weights_that_others_read_stay():
    seeded()
    x = normal(3, 6)
    net = ReadTwice()
    net.initialize(mx.init.Normal(1))
    expected = net(x).asnumpy()
    net.optimize_for(x, backend="bmx")
    np.testing.assert_array_equal(net(x).asnumpy(), expected)
    assert {"twice_weight", "twice_weight_packed"} <= set(net._cached_graph[1].list_arguments())


def test_saved_nets_are_packed(tmp_path):
    """A net that was exported from the operator lowering, without the code that built it."""
    seeded()
    x = normal(2, 1, 28, 28)
    net = ready(get_model("lenet"), x, mx.init.Normal(0.7))
    net.hybridize()
    with nn.lowering("operator"):
        expected = net(x).asnumpy()
    saved, _ = exported(net, tmp_path)
    for _ in range(2):  # the second time there is nothing left to pack
        saved.optimize_for(x, backend="bmx")
        np.testing.assert_array_equal(saved(x).asnumpy(), expected)
        imported, params = exported(saved, tmp_path)
        np.testing.assert_array_equal(imported(x).asnumpy(), expected)
        assert len([key for key in params if key.endswith("_packed")]) == 2


def test_saved_native_nets_are_refused(tmp_path):
    x = normal(2, 4)
    net = ready(nn.QDense(3), x)
    net.hybridize()
    net(x)
    saved, _ = exported(net, tmp_path)
    with pytest.raises(
        mx.MXNetError, match=r"found none; binary layers are recorded as these inside 'with bmx"
    ):
        saved.optimize_for(x, backend="bmx")
    np.testing.assert_array_equal(saved(x).asnumpy(), net(x).asnumpy())


def test_symbols_are_packed():
    """Symbol.optimize_for, as Module uses it."""
    seeded()
    x = normal(3, 20)
    layer = ready(nn.QDense(5, prefix="dense_"), x)
    with nn.lowering("operator"):
        symbol, expected = layer(mx.sym.var("data")), layer(x).asnumpy()
    args = {parameter.name: parameter.data() for parameter in layer.collect_params().values()}
    packed = symbol.optimize_for("bmx", args=args, shape_dict={"data": x.shape})
    assert sorted(args) == ["dense_bias", "dense_weight_packed"]
    executor = packed.bind(mx.cpu(), {"data": x, **args}, grad_req="null")
    np.testing.assert_array_equal(executor.forward()[0].asnumpy(), expected)


def test_untrained_shapes_are_inferred():
    net = float_nn.HybridSequential()
    net.add(nn.QConv2D(4, 3), nn.QDense(3))
    net.initialize(mx.init.Normal(1))
    x = normal(2, 5, 6, 6)
    net.optimize_for(x, backend="bmx")
    packed = net(x).asnumpy()
    np.testing.assert_array_equal(packed, outputs(net, x)["operator"])


def test_pending_writes_are_waited_for():
    """MXNet computes behind Python's back; what is packed is what the program last wrote."""
    seeded()
    layer = nn.QDense(64, in_units=64, use_bias=False)
    layer.initialize(mx.init.One())
    x = normal(2, 64)
    layer(x)
    slow = mx.nd.random.normal(shape=(1200, 1200))
    mx.nd.waitall()
    for _ in range(4):
        slow = mx.nd.dot(slow, slow) * 1e-2
    layer.weight.data()[:] = mx.nd.slice(slow, begin=(0, 0), end=(64, 64))
    layer.optimize_for(x, backend="bmx")
    packed = layer(x).asnumpy()
    np.testing.assert_array_equal(packed, outputs(layer, x)["operator"])


def test_changed_packed_weights_are_seen():
    """Repacked weights are kept between calls; new values at the same address are noticed."""
    random = np.random.RandomState(3)
    x = mx.nd.array(random.normal(size=(2, 24)))
    packed = mx.nd.zeros((6, 3), dtype="uint8")
    for _ in range(3):
        weight = random.normal(size=(6, 24)).astype(np.float32)
        packed[:] = mx.nd.array(np.packbits(weight >= 0, axis=-1, bitorder="little"), dtype="uint8")
        for _ in range(2):
            found = mx.nd.QFullyConnectedPacked(x, packed, num_hidden=6, no_bias=True).asnumpy()
            signs = np.where(x.asnumpy() < 0, -1, 1) @ np.where(weight < 0, -1, 1).T
            np.testing.assert_array_equal(found, signs)


def backward(y, x):
    y.backward()
    return x.grad.asnumpy()


@pytest.mark.parametrize("layer", [nn.QConv2D(3, 2), nn.QDense(3)], ids=["conv", "dense"])
def test_no_backward_but_training_goes_on(layer):
    x = normal(2, 4, 5, 5)
    x.attach_grad()
    ready(layer, x).optimize_for(x, backend="bmx")
    with mx.autograd.record():
        y = layer(x)
    message = r"Packed: packed weights have no gradient; train the net that was packed, and pack it again"
    with pytest.raises(mx.MXNetError, match=message):
        backward(y, x)
    layer.hybridize()
    with mx.autograd.record():
        y = layer(x)
    y.backward()
    assert np.abs(layer.weight.grad().asnumpy()).max() > 0


class Operator(mx.gluon.HybridBlock):
    """QFullyConnected straight on a parameter."""

    def __init__(self, **attributes):
        super().__init__(prefix="op_")
        self._attributes = {"num_hidden": 2, "no_bias": True, "name": "fwd", **attributes}
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(2, 4))

    def hybrid_forward(self, F, x, weight):
        return F.QFullyConnected(x, weight, **self._attributes)


class OnInput(Operator):
    """Its weight comes from outside."""

    def hybrid_forward(self, F, x, given, weight):
        return F.QFullyConnected(x, given, **self._attributes) + F.sum(weight).reshape((1, 1)).tile((3, 2))


class NameTaken(Operator):
    """Another parameter has the name that the packed weight would get."""

    def __init__(self):
        super().__init__()
        self.taken = self.params.get("weight_packed", shape=(3, 2))

    def hybrid_forward(self, F, x, weight, taken):
        return F.QFullyConnected(x, weight, **self._attributes) + taken


class Mean(nn.Quantizer):
    """Has no counterpart in C++."""

    def codes(self, F, x, **learned):
        return 2 * (x > 0.1) - 1


class Loop(mx.gluon.HybridBlock):
    def __init__(self):
        super().__init__(prefix="loop_")
        with self.name_scope():
            self.layer = nn.QDense(4, in_units=4)

    def hybrid_forward(self, F, x):
        return F.contrib.foreach(lambda row, states: (self.layer(row), states), x, [])[0]


REFUSALS = {
    "float-net": (
        lambda: float_nn.Dense(2),
        [(3, 4)],
        "bmx: expected a graph with QConvolution or QFullyConnected, found none",
    ),
    "custom-quantizer": (
        lambda: nn.QDense(2, weight_quantizer=Mean(), prefix="dense_"),
        [(3, 4)],
        "node 'dense_fwd' (QFullyConnected) cannot be packed: its weight is computed by node",
    ),
    "input": (
        OnInput,
        [(3, 4), (2, 4)],
        "node 'op_fwd' (QFullyConnected) cannot be packed: its weight 'data1' is an input of the net",
    ),
    "not-signs": (
        lambda: Operator(weight_quantizer="none"),
        [(3, 4)],
        "node 'op_fwd' (QFullyConnected) cannot be packed: its weight 'op_weight' has values other than -1",
    ),
    "taken-name": (
        NameTaken,
        [(3, 4)],
        "node 'op_fwd' (QFullyConnected) cannot be packed: the name 'op_weight_packed' of its packed weight",
    ),
    "subgraph": (
        Loop,
        [(3, 2, 4)],
        "(_foreach) cannot be packed: it holds binary layers in a graph of its own",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case):
    make, shapes, message = REFUSALS[case]
    net = make()
    net.initialize(mx.init.Normal(1))
    inputs = [normal(*shape) for shape in shapes]
    expected = net(*inputs).asnumpy()
    with pytest.raises(mx.MXNetError) as error:
        net.optimize_for(*inputs, backend="bmx")
    assert message in str(error.value)
    # The refused net goes on as it was.
    np.testing.assert_array_equal(net(*inputs).asnumpy(), expected)
    assert nn.current_lowering() == "native"


def test_options_are_refused():
    x = mx.nd.ones((1, 4))
    net = ready(nn.QDense(2), x)
    with pytest.raises(mx.MXNetError, match=r"bmx: found option level, but optimize_for.* has none"):
        net.optimize_for(x, backend="bmx", level=3)


def test_unknown_values_are_refused():
    with nn.lowering("operator"):
        symbol = nn.QDense(2, in_units=4, prefix="dense_")(mx.sym.var("data"))
    with pytest.raises(mx.MXNetError, match="its weight 'dense_weight' has no value; pass it in args"):
        symbol.optimize_for("bmx", args={}, shape_dict={"data": (1, 4)})


def test_other_backends_do_not_notice():
    x = mx.nd.ones((1, 4))
    net = ready(nn.QDense(2), x)
    expected = net(x).asnumpy()
    net.optimize_for(x, backend="MKLDNN")
    np.testing.assert_array_equal(net(x).asnumpy(), expected)
    assert "QFullyConnected" not in operators(net)


def test_float_weights_are_not_packed_weights():
    with pytest.raises(
        mx.MXNetError, match=r"QFullyConnectedPacked: expected uint8 weights that net\.optimize_for"
    ):
        mx.nd.QFullyConnectedPacked(
            mx.nd.ones((1, 8)), mx.nd.ones((2, 1)), num_hidden=2, no_bias=True
        ).asnumpy()
