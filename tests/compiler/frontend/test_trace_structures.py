"""Nets that branch, join, cut and reshape: what MXNet, the compiler and the packed file make of them."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from mxnet.gluon import HybridBlock, nn

from bmx import compiler
from bmx.compiler.frontend.importer import UnsupportedError
from bmx.gluon import library
from bmx.gluon.nn import QConv2D, QDense
from tests.support.compiled_nets import IMAGE, check, initialize, shuffle

needs_library = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")


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
    initialize(net, IMAGE)
    with pytest.raises(UnsupportedError, match=r"sign expects a vector or an image, found f32\[4, 48\]"):
        compiler.compile(net, IMAGE)
