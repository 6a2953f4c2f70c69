"""Nets that branch, join, cut and reshape: what MXNet, the compiler and the packed file make of them."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn

from bmx import compiler, runtime
from bmx.compiler.backend import fileformat
from bmx.compiler.frontend.attributes import NotSupportedError
from bmx.compiler.frontend.converters.shapes import reshaped
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.compiler.frontend.trace import trace_net
from bmx.compiler.ir.evaluator import evaluate
from bmx.compiler.ir.graph import Graph
from bmx.gluon import library
from bmx.gluon.nn import QConv2D, QDense

needs_library = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

IMAGE = (3, 4, 6, 8)


def initialise(net: HybridBlock, shape: tuple) -> None:
    """Random weights, and batch norms with statistics of their own."""
    mx.random.seed(0)
    random = np.random.RandomState(0)
    net.initialize(mx.init.Normal(0.5))
    net(mx.nd.zeros(shape))
    for name, parameter in net.collect_params().items():
        if name.endswith(("gamma", "running_var")):
            parameter.set_data(mx.nd.array(random.uniform(0.5, 1.5, parameter.shape)))
        elif name.endswith(("beta", "running_mean", "bias")):
            parameter.set_data(mx.nd.array(random.uniform(-0.5, 0.5, parameter.shape)))


def check(net: Any, shape: tuple, exact: bool = False) -> list[str]:
    """The traced graph, the compiled one and the packed file on every ISA answer as MXNet.

    Args:
        net: a block, or a function of F and x.
        shape: of the input.
        exact: whether the answers are equal.

    Returns:
        The compiled graph's operators, without the transposes where images enter and leave.
    """
    net = net if isinstance(net, HybridBlock) else nn.HybridLambda(net)
    initialise(net, shape)
    x = np.random.RandomState(1).standard_normal(shape).astype(np.float32)
    expected = net(mx.nd.array(x))
    expected = [y.asnumpy() for y in (expected if isinstance(expected, (list, tuple)) else [expected])]
    traced, compiled = trace_net(net, shape), compiler.compile(net, shape)
    content = fileformat.to_bytes(compiled)
    answers = [evaluate(graph, {"data": x}) for graph in (traced, compiled, fileformat.read(content))]
    answers += [runtime.Model(content, isa).session().run(x) for isa in runtime.isas()]
    for answer in answers:
        assert len(answer) == len(expected)
        for actual, y in zip(answer, expected):
            if exact:
                np.testing.assert_array_equal(actual, y)
            else:
                np.testing.assert_allclose(actual, y, rtol=1e-4, atol=1e-5 * float(np.abs(y).max()))
    return inner_operators(compiled)


def inner_operators(graph: Graph) -> list[str]:
    edges = {value.name for value in graph.inputs}
    return [
        node.op
        for node in graph.nodes
        if node.op != "transpose" or not (node.inputs[0] in edges or node.name in graph.outputs)
    ]


def squeeze_and_excite(nd: Any, x: Any, to_image: Callable[[Any], Any]) -> Any:
    gate = nd.tanh(nd.flatten(nd.contrib.AdaptiveAvgPooling2D(x, output_size=1)))
    return nd.broadcast_mul(x, to_image(gate))


def shuffle(nd: Any, x: Any, groups: int) -> Any:
    x = nd.reshape(x, shape=(0, -4, groups, -1, -2))
    return nd.reshape(nd.swapaxes(x, 1, 2), shape=(0, -3, -2))


# name -> net, shape of the input, operators
EXACT: dict[str, tuple[Callable, tuple, list[str]]] = {
    "concat": (lambda nd, x: nd.concat(x, nd.relu(x), x, dim=1), IMAGE, ["relu", "concat"]),
    "concat of vectors": (lambda nd, x: nd.concat(x, nd.relu(x), dim=-1), (3, 5), ["relu", "concat"]),
    "concat of one": (lambda nd, x: nd.relu(nd.concat(x, dim=1)), IMAGE, ["relu"]),
    "slice_axis of channels": (lambda nd, x: nd.slice_axis(x, axis=1, begin=1, end=-1), IMAGE, ["slice"]),
    "slice_axis of columns": (lambda nd, x: nd.slice_axis(x, axis=-1, begin=1, end=None), IMAGE, ["slice"]),
    "slice_axis of all": (lambda nd, x: nd.relu(nd.slice_axis(x, axis=1, begin=0, end=4)), IMAGE, ["relu"]),
    "slice": (
        lambda nd, x: nd.slice(x, begin=(0, 0, 1, 1), end=(None, None, None, -2)),
        IMAGE,
        ["slice"],
    ),
    "slice of the first axes": (lambda nd, x: nd.slice(x, begin=(None, 1), end=(None, 3)), IMAGE, ["slice"]),
    "slice of a vector": (lambda nd, x: nd.slice_axis(x.flatten(), axis=1, begin=3, end=50), IMAGE, []),
    "split": (lambda nd, x: list(nd.split(x, num_outputs=2)), IMAGE, ["slice", "slice"]),
    "split, read out of order": (
        lambda nd, x: nd.concat(*list(nd.split(x, num_outputs=4))[::-1], dim=1),
        IMAGE,
        ["slice"] * 4 + ["concat"],
    ),
    "split, one part read": (
        lambda nd, x: nd.relu(nd.split(x, num_outputs=3, axis=2)[1]),
        IMAGE,
        ["slice", "relu"],
    ),
    "split into rows": (
        lambda nd, x: nd.split(x, num_outputs=6, axis=2, squeeze_axis=True)[3],
        IMAGE,
        [],
    ),
    "split into one": (lambda nd, x: nd.relu(nd.split(x, num_outputs=1)), IMAGE, ["relu"]),
    "split_v2 at indices": (lambda nd, x: list(nd.split_v2(x, (1, 3), axis=1)), IMAGE, ["slice"] * 3),
    "split_v2 into sections": (lambda nd, x: list(nd.split_v2(x, 4, axis=3)), IMAGE, ["slice"] * 4),
    "pad": (
        lambda nd, x: nd.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 3, 4), constant_value=0),
        IMAGE,
        ["pad2d"],
    ),
    "pad with edges": (
        lambda nd, x: nd.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 0, 1)),
        IMAGE,
        ["pad2d"],
    ),
    "pad with edges of columns": (
        lambda nd, x: nd.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 0, 0, 2, 0)),
        IMAGE,
        ["pad2d"],
    ),
    "upsampling": (lambda nd, x: nd.UpSampling(x, scale=3, sample_type="nearest"), IMAGE, ["upsample2d"]),
    "shuffle into 2 groups": (lambda nd, x: shuffle(nd, x, 2), IMAGE, ["shuffle_channels"]),
    "shuffle into 4 groups": (lambda nd, x: shuffle(nd, x, 4), IMAGE, ["shuffle_channels"]),
    "shuffle with sizes": (
        lambda nd, x: nd.reshape(nd.transpose(nd.reshape(x, (0, 2, 2, 48)), (0, 2, 1, 3)), (-1, 4, 6, 8)),
        IMAGE,
        ["shuffle_channels"],
    ),
    "shuffle of a vector": (lambda nd, x: shuffle(nd, x, 3), (2, 12), ["shuffle_channels"]),
    "reshape of an image": (lambda nd, x: nd.relu(nd.reshape(nd.relu(x), (-1, 8, 6, 4))), IMAGE, []),
    "reshape to rank 2": (lambda nd, x: nd.relu(nd.reshape(x, (0, 0, -1))), IMAGE, ["reshape", "relu"]),
    "reshape there and back": (
        lambda nd, x: nd.relu(nd.reshape(nd.reshape(nd.relu(x), (0, -3, -1)), (0, -4, 4, -1, 0))),
        IMAGE,
        ["relu", "relu"],
    ),
    "reshape of rank 4": (lambda nd, x: nd.relu(nd.reshape(x, (0, 2, 2, 3, -1))), IMAGE, ["reshape", "relu"]),
    "reshape to one channel": (lambda nd, x: nd.relu(nd.reshape(x, (0, 1, -3, -1))), IMAGE, []),
    "transpose of an image": (lambda nd, x: nd.relu(nd.transpose(nd.relu(x), (0, 3, 1, 2))), IMAGE, []),
    "transposes that cancel": (
        lambda nd, x: nd.relu(nd.transpose(nd.transpose(nd.relu(x), (0, 3, 1, 2)), (0, 2, 3, 1))),
        IMAGE,
        ["relu", "relu"],
    ),
    "swapaxes": (lambda nd, x: nd.relu(nd.swapaxes(x, 3, 2)), IMAGE, []),
    "concat of rank 2": (
        lambda nd, x: nd.concat(nd.reshape(x, (0, 0, -1)), nd.reshape(x * 2, (0, 0, -1)), dim=1),
        IMAGE,
        [],
    ),
    "slice of rank 2": (
        lambda nd, x: nd.slice_axis(nd.reshape(x, (0, 0, -1)), axis=2, begin=3, end=7),
        IMAGE,
        ["reshape", "slice"],
    ),
    "scale of rank 2, as many channels as columns": (
        lambda nd, x: nd.reshape(x, (0, 0, -1)) * 2,
        (2, 6, 2, 3),
        [],
    ),
    "expand_dims and squeeze": (
        lambda nd, x: nd.squeeze(nd.relu(nd.expand_dims(nd.expand_dims(x, axis=1), axis=-1)), axis=(1, -1)),
        (2, 5),
        ["reshape", "relu", "flatten"],
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_elements_are_moved_as_in_mxnet(name: str) -> None:
    net, shape, expected = EXACT[name]
    found = check(net, shape, exact=True)
    if expected:
        assert found == expected


NEAR: dict[str, tuple[Callable, list[str]]] = {
    "mean": (lambda nd, x: nd.mean(x, axis=(2, 3)), ["avg_pool2d", "flatten"]),
    "mean, axes kept": (lambda nd, x: nd.mean(x, axis=(-1, -2), keepdims=True), ["avg_pool2d"]),
    "mean of all but": (lambda nd, x: nd.mean(x, axis=(0, 1), exclude=True), ["avg_pool2d", "flatten"]),
    "mean of rows": (lambda nd, x: nd.mean(x, axis=3), []),
    "mean of columns, axis kept": (lambda nd, x: nd.mean(x, axis=2, keepdims=True), ["avg_pool2d"]),
    "adaptive pooling": (lambda nd, x: nd.contrib.AdaptiveAvgPooling2D(x, output_size=1), ["avg_pool2d"]),
    "adaptive pooling, no size": (lambda nd, x: nd.contrib.AdaptiveAvgPooling2D(x), ["avg_pool2d"]),
    "adaptive pooling to 3 x 2": (
        lambda nd, x: nd.contrib.AdaptiveAvgPooling2D(x, output_size=(3, 2)),
        ["avg_pool2d"],
    ),
    "lrn": (lambda nd, x: nd.LRN(x, nsize=3, alpha=0.3, knorm=1.5), ["lrn"]),
    "lrn of defaults": (lambda nd, x: nd.LRN(x, nsize=5), ["lrn"]),
    "lrn with a square root": (lambda nd, x: nd.LRN(x, nsize=7, alpha=0.3, beta=0.5), ["lrn"]),
    "lrn with a quotient": (lambda nd, x: nd.LRN(x, nsize=1, alpha=0.3, beta=1), ["lrn"]),
    "softmax of rank 2": (
        lambda nd, x: nd.softmax(nd.reshape(x, (0, 0, -1)), axis=1),
        ["reshape", "transpose", "softmax"],
    ),
    "gates by expand_dims": (
        lambda nd, x: squeeze_and_excite(nd, x, lambda gate: gate.expand_dims(2).expand_dims(2)),
        ["avg_pool2d", "flatten", "tanh", "reshape", "mul"],
    ),
    "gates by reshape": (
        lambda nd, x: squeeze_and_excite(nd, x, lambda gate: gate.reshape((0, -1, 1, 1))),
        ["avg_pool2d", "flatten", "tanh", "reshape", "mul"],
    ),
    "a mean that becomes an image again": (
        lambda nd, x: nd.broadcast_mul(x, nd.mean(x, axis=(2, 3)).reshape((0, 0, 1, 1))),
        ["avg_pool2d", "mul"],
    ),
}


@pytest.mark.parametrize("name", NEAR)
def test_numbers_agree_with_mxnet(name: str) -> None:
    net, expected = NEAR[name]
    found = check(net, IMAGE)
    if expected:
        assert found == expected


@pytest.mark.parametrize(
    "codes",
    [
        *(
            (0, -1),
            (-1, 24),
            (0, -2),
            (-2,),
            (0, 0, 0, -1),
            (0, 4, -1),
            (0, -1, 1, 1),
            (0, -3, -2),
            (0, 0, -3),
        ),
        *((0, -4, 2, 1, -2), (0, -4, -1, 2, -2), (0, -4, 1, -1, 0, -4, 2, -1), (0, 2, 3, 4), (0, 24, 1)),
        *((-1, 2, 12), (0, 2, 1, -1, 2), (-1, 0, 0, 0), (0, 0, -4, 3, 1, 0), (0, 2, -2), (0, -1, -3)),
    ],
)
def test_codes_of_reshape_are_mxnets(codes: tuple) -> None:
    for batch in (1, 5):
        expected = mx.nd.zeros((batch, 2, 3, 4)).reshape(codes).shape
        assert (batch, *reshaped(codes, (2, 3, 4))) == expected


@pytest.mark.parametrize(
    "codes",
    [
        (24,),
        (2, -1),
        (-1,),
        (-3, -1),
        (-4, 1, -1, -2),
        (0, 0, 0, 0, 0),
        (0, 5, -1),
        (0, -1, -1),
        (-1, 12),
        (-1, 2),
        *((0, -4, 3, -1, -2), (0, -4, 2), (0, -5), (0, 24, 0), (0, 25), (-2, -3), (0, 2, 0, 3, 4)),
    ],
)
def test_codes_of_reshape_that_cannot_be_kept(codes: tuple) -> None:
    """The batch does not stay in front, or the sizes do not fit."""
    with pytest.raises(NotSupportedError):
        reshaped(codes, (2, 3, 4))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            lambda nd, x: nd.concat(x, x, dim=2),
            r"dim is 2 and its inputs are batches of f32\[4, 6, 8\]; supported: 1",
        ),
        (lambda nd, x: nd.concat(x, x, dim=0), "axis 0 is the batch; supported: the axes after it"),
        (lambda nd, x: nd.slice_axis(x, axis=0, begin=0, end=1), "axis 0 is the batch"),
        (lambda nd, x: nd.slice(x, begin=(1,), end=(3,)), "it takes samples 1 to 3 of the batch"),
        (
            lambda nd, x: nd.slice(x, begin=(0, 0), end=(None, 4), step=(1, 2)),
            r"step is \(1, 2\); supported: ",
        ),
        (lambda nd, x: nd.split(x, num_outputs=3, axis=0)[0], "axis 0 is the batch"),
        (
            lambda nd, x: nd.pad(x, mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)),
            "mode is 'reflect'; supported: constant, edge",
        ),
        (lambda nd, x: nd.pad(x, mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)), "mode is 'reflect'"),
        (
            lambda nd, x: nd.pad(x, mode="constant", constant_value=1, pad_width=(0, 0, 0, 0, 1, 1, 1, 1)),
            "constant_value is 1; supported: 0",
        ),
        (
            lambda nd, x: nd.UpSampling(
                x, nd.ones((4, 1, 4, 4)), scale=2, sample_type="bilinear", num_filter=4, num_args=2
            ),
            "sample_type is 'bilinear'; supported: nearest",
        ),
        (lambda nd, x: nd.UpSampling(x, x, scale=2, sample_type="nearest", num_args=2), "num_args is '2'"),
        (lambda nd, x: nd.LRN(x, nsize=5, beta=0.7), "beta is 0.7; supported: 0.5, 0.75 and 1"),
        (lambda nd, x: nd.mean(x, axis=(1, 2, 3)), "its result has no axis but the batch's"),
        (lambda nd, x: nd.mean(x), "axis 0 is the batch"),
        (lambda nd, x: nd.mean(x, axis=(0, 2)), "axis 0 is the batch"),
        (
            lambda nd, x: nd.contrib.AdaptiveAvgPooling2D(x, output_size=4),
            r"output_size is \(4,\).*supported",
        ),
        (lambda nd, x: nd.reshape(x, (3, 4, 6, 8)), "supported: the batch axis stays in front"),
        (lambda nd, x: nd.reshape(x, (-3, -2)), "its shape joins or splits the batch axis"),
        (lambda nd, x: nd.reshape(x, (-1, 0), reverse=True), "reverse is 'True'; supported: False"),
        (lambda nd, x: nd.expand_dims(x, axis=0), "axis 0 would come before the batch"),
        (lambda nd, x: nd.squeeze(x, axis=1), r"its axes \(1,\) .* are not all of size 1"),
        (lambda nd, x: nd.transpose(x), r"axes is \(\); supported: the batch axis stays in front"),
        (lambda nd, x: nd.transpose(x, (1, 0, 2, 3)), r"axes is \(1, 0, 2, 3\)"),
        (lambda nd, x: nd.swapaxes(x, 0, 1), "axis 0 is the batch"),
    ],
)
def test_what_is_not_supported_is_said_in_one_sentence(net: Callable, message: str) -> None:
    block = nn.HybridLambda(net)
    block.initialize()
    with pytest.raises(UnsupportedError, match=message):
        compiler.compile(block, IMAGE)


def layer(channels: int, kernel: int = 1, **options: Any) -> HybridBlock:
    """Convolution, batch norm, ReLU."""
    block = nn.HybridSequential()
    block.add(nn.Conv2D(channels, kernel, use_bias=False, **options), nn.BatchNorm(), nn.Activation("relu"))
    return block


class Units(HybridBlock):
    """Layers by name, and a function of F, x and the layers."""

    def __init__(self, forward: Callable, **layers: HybridBlock) -> None:
        super().__init__()
        self._function = forward
        self._names = list(layers)
        for name, block in layers.items():
            setattr(self, name, block)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self._function(F, x, *(getattr(self, name) for name in self._names))


def test_fire_module() -> None:
    net = Units(
        lambda nd, x, squeeze, left, right: nd.concat(left(squeeze(x)), right(squeeze(x)), dim=1),
        squeeze=layer(3),
        left=layer(5),
        right=layer(33, 3, padding=1),
    )
    assert check(net, IMAGE).count("concat") == 1


def test_dense_block() -> None:
    def forward(nd: Any, x: Any, *layers: HybridBlock) -> Any:
        for block in layers:
            x = nd.concat(x, block(x), dim=1)
        return x

    assert (
        check(Units(forward, a=layer(3, 3, padding=1), b=layer(1), c=layer(65)), IMAGE).count("concat") == 3
    )


def test_dual_path_block() -> None:
    """As DPN: one part of the channels is added, the other one is joined."""

    def forward(nd: Any, x: Any, body: HybridBlock) -> Any:
        y = body(x)
        residual, dense = (
            nd.slice_axis(y, axis=1, begin=0, end=4),
            nd.slice_axis(y, axis=1, begin=4, end=None),
        )
        return nd.concat(residual + x, dense, dim=1)

    found = check(Units(forward, body=layer(7, 3, padding=1)), IMAGE)
    assert sorted(found) == ["add", "concat", "conv2d", "relu", "slice", "slice"]


def test_shuffle_unit_with_a_split() -> None:
    def forward(nd: Any, x: Any, body: HybridBlock, last: HybridBlock) -> Any:
        kept, worked = nd.split(x, num_outputs=2, axis=1)
        return last(shuffle(nd, nd.concat(kept, body(worked), dim=1), 2))

    found = check(Units(forward, body=layer(2, 3, padding=1, groups=2), last=nn.Dense(5)), IMAGE)
    assert found == ["slice", "slice", "conv2d", "relu", "concat", "shuffle_channels", "flatten", "dense"]


def test_padding_moves_into_convolutions_only_where_sides_are_equal() -> None:
    def pad(nd: Any, x: Any, *width: int) -> Any:
        return nd.pad(x, mode="constant", constant_value=0, pad_width=(0, 0, 0, 0, *width))

    same = Units(lambda nd, x, conv: conv(pad(nd, x, 1, 1, 2, 2)), conv=layer(5, 3, padding=1, strides=2))
    assert check(same, IMAGE) == ["conv2d", "relu"]
    other = Units(lambda nd, x, conv: conv(pad(nd, x, 0, 1, 2, 2)), conv=layer(5, 3, padding=1, strides=2))
    assert check(other, IMAGE) == ["pad2d", "conv2d", "relu"]


def test_an_hourglass() -> None:
    def forward(nd: Any, x: Any, down: HybridBlock, up: HybridBlock) -> Any:
        y = nd.UpSampling(down(x), scale=2, sample_type="nearest")
        return up(nd.concat(x, y, dim=1)) + nd.slice_axis(y, axis=1, begin=0, end=4)

    net = Units(forward, down=layer(6, 2, strides=2), up=layer(4, 3, padding=1))
    assert "upsample2d" in check(net, IMAGE)


def test_features_of_several_images_joined_as_vectors() -> None:
    def forward(nd: Any, x: Any, body: HybridBlock, last: HybridBlock) -> Any:
        y = body(x)
        return last(nd.concat(nd.flatten(y), nd.flatten(x), nd.mean(y, axis=(2, 3)), dim=1))

    check(Units(forward, body=layer(3, 3, strides=2), last=nn.Dense(9)), IMAGE)


def attention(nd: Any, x: Any, query: HybridBlock, gate: HybridBlock) -> Any:
    """Softmax over the channels of each pixel, on values of rank 2, with a batch norm on the way."""
    weights = nd.softmax(gate(nd.reshape(query(x), (0, 0, -1))), axis=1)
    return nd.broadcast_mul(x, nd.reshape(weights, (0, 0, -4, 6, -1)))


def test_batch_norm_and_softmax_between_reshapes() -> None:
    check(Units(attention, query=nn.Conv2D(4, 1), gate=nn.BatchNorm()), IMAGE)


@needs_library
@pytest.mark.parametrize("channels", [1, 33, 64])
def test_binary_dense_block_is_exact(channels: int) -> None:
    def forward(nd: Any, x: Any, first: HybridBlock, second: HybridBlock, *last: HybridBlock) -> Any:
        x = nd.concat(x, first(x), dim=1)
        x = nd.concat(x, second(x), dim=1)
        for block in last:
            x = block(x)
        return x

    options = {"padding": 1, "use_bias": False}
    net = Units(
        forward,
        first=QConv2D(channels, 3, **options),
        second=QConv2D(channels, 3, **options),
        norm=nn.BatchNorm(),
        pool=nn.MaxPool2D(2, 2),
        last=QDense(7, use_bias=False),
    )
    assert check(net, (3, channels, 6, 5), exact=True).count("binary_conv2d") == 2


@needs_library
def test_binary_shuffle_unit_is_exact() -> None:
    """The zeros of a padding become +1, as signs: they stay where they are."""

    def forward(nd: Any, x: Any, left: HybridBlock, right: HybridBlock, last: HybridBlock) -> Any:
        first, second = nd.split(x, num_outputs=2)
        padded = nd.pad(second, mode="constant", constant_value=0, pad_width=(0, 0, 0, 0, 1, 1, 1, 1))
        y = shuffle(nd, nd.concat(left(first), right(padded), dim=1), 3)
        return last(nd.UpSampling(y, scale=2, sample_type="nearest"))

    net = Units(
        forward,
        left=QConv2D(5, 3, padding=1, use_bias=False),
        right=QConv2D(4, 3, use_bias=False),
        last=QConv2D(6, 3, strides=2, use_bias=False),
    )
    assert "pad2d" in check(net, (3, 6, 6, 5), exact=True)


@needs_library
def test_signs_of_other_ranks_are_refused() -> None:
    net = nn.HybridSequential()
    net.add(nn.HybridLambda(lambda nd, x: nd.reshape(x, (0, 0, -1))), QDense(3))
    initialise(net, IMAGE)
    with pytest.raises(UnsupportedError, match=r"sign expects a vector or an image, found f32\[4, 48\]"):
        compiler.compile(net, IMAGE)
