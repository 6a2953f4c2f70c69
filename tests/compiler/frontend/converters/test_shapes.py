"""Operators that move elements: MXNet, the compiler and the packed file agree."""

from __future__ import annotations

from typing import Any, Callable

import mxnet as mx
import pytest
from mxnet.gluon import nn

from bmx import compiler
from bmx.compiler.frontend.attributes import NotSupportedError
from bmx.compiler.frontend.converters.shapes import reshaped
from bmx.compiler.frontend.importer import UnsupportedError
from tests.support.compiled_nets import IMAGE, check, shuffle


def squeeze_and_excite(nd: Any, x: Any, to_image: Callable[[Any], Any]) -> Any:
    gate = nd.tanh(nd.flatten(nd.contrib.AdaptiveAvgPooling2D(x, output_size=1)))
    return nd.broadcast_mul(x, to_image(gate))


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
