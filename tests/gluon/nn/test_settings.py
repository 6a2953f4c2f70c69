"""What the layers and operators refuse, and how they say it."""

from __future__ import annotations

import re

import mxnet as mx
import pytest

from bmx.gluon import library, nn

needs_operators = pytest.mark.skipif(not library.is_loaded(), reason=f"{library.PATH} is not built")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 0}, "QConv2D: bits=0 is not supported; supported: 1, 2, 3, 4, 5, 6, 7, 8, 32."),
        ({"bits": 9}, "QConv2D: bits=9 is not supported; supported: 1, 2, 3, 4, 5, 6, 7, 8, 32."),
        ({"input_bits": True}, "QConv2D: input_bits=True is not supported; supported: 1, 2"),
        (
            {"bits": 2, "weight_quantizer": "det_sign"},
            "QConv2D: bits=2 does not fit weight_quantizer=DetSign(clip=1.0), which has 1; leave bits out",
        ),
        ({"scaling": "filter"}, "QConv2D: scaling='filter' is not supported; supported: None, 'channel'"),
        ({"scaling": "channel", "bits": 2}, "QConv2D: scaling='channel' is for weights of one bit"),
        (
            {"scaling": "channel", "weight_quantizer": "abc_weight"},
            "QConv2D: scaling='channel' is for weights of -1 and +1, found weight_quantizer=ABC",
        ),
        ({"scaling": "xnor", "dilation": 2}, "QConv2D: scaling='xnor' needs dilation=1, found 2."),
        ({"output_range": "popcount", "scaling": "channel"}, "output_range='popcount' cannot be scaled"),
        ({"input_bits": 2, "pad_value": 1}, "QConv2D: pad_value=1 and output_range='dot' need inputs and"),
        ({"pad_value": 2}, "QConv2D: pad_value=2 is not supported; supported: 0, 1, -1."),
        ({"pad_value": True}, "QConv2D: pad_value=True is not supported"),
        (
            {"output_range": "xnor"},
            "QConv2D: output_range='xnor' is not supported; supported: 'dot', 'popcount'.",
        ),
        ({"layout": "NHWC"}, "QConv2D: layout 'NHWC' is not supported; supported: 'NCHW'."),
        ({"weight_quantizer": None}, "expected a Quantizer or one of "),
        ({"input_quantizer": "det_sing"}, "found 'det_sing'; did you mean 'det_sign'?"),
    ],
)
def test_unsupported_arguments(arguments, message):
    with pytest.raises(ValueError, match="^.*" + re.escape(message)):
        nn.QConv2D(4, 3, **arguments)


@pytest.mark.parametrize("layer", [nn.QConv2D(4, 3), nn.QDense(4), nn.QActivation()])
def test_only_float32(layer):
    layer.cast("float32")
    with pytest.raises(ValueError, match=r"dtype 'float16' is not supported; .* 'float32'\."):
        layer.cast("float16")


def test_dense_dtype():
    with pytest.raises(ValueError, match="QDense: dtype 'float64' is not supported"):
        nn.QDense(3, dtype="float64")


def convolution(data_shape=(1, 3, 4, 4), dtype="float32", **attributes):
    attributes = {"kernel": (3, 3), "num_filter": 2, "no_bias": True, **attributes}
    attributes = {key: value for key, value in attributes.items() if value is not None}
    data, weight = mx.nd.ones(data_shape, dtype=dtype), mx.nd.ones((2, 3, 3, 3))
    return mx.nd.QConvolution(data, weight, **attributes).asnumpy()


@needs_operators
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": 3}, "expected kernel to be two integers (height, width) of at least 1, found '3'"),
        ({"kernel": None}, "expected kernel to be two integers (height, width) of at least 1, found nothing"),
        (
            {"stride": (0, 1)},
            "expected stride to be two integers (height, width) of at least 1, found '(0, 1)'",
        ),
        ({"num_filter": 0}, "expected num_filter to be an integer of at least 1, found '0'"),
        ({"num_filter": "2x"}, "expected num_filter to be an integer of at least 1, found '2x'"),
        ({"pad_value": 2}, "expected pad_value to be '0' or '1' or '-1', found '2'"),
        ({"layout": "NHWC"}, "expected layout to be 'NCHW', found 'NHWC'"),
        ({"no_bias": "maybe"}, "expected no_bias to be True or False, found 'maybe'"),
        ({"input_clip": -1}, "expected input_clip to be a number of at least 0, or inf, found '-1'"),
        ({"input_clip": "nan"}, "expected input_clip to be a number of at least 0, or inf, found 'nan'"),
        (
            {"input_quantizer": "dorefa"},
            "expected input_quantizer to be 'det_sign' or 'none', found 'dorefa'",
        ),
        ({"bits": 1}, "found attribute bits='1', which this operator does not have"),
        ({"num_group": 2}, "groups must divide both channel counts"),
        ({"kernel": (5, 5)}, "the dilated kernel must fit into the padded input"),
        (
            {"data_shape": (1, 3, 4)},
            "expected data of known shape (batch, channels, height, width), found (1, 3, 4)",
        ),
        ({"dtype": "float64"}, "expected float32 inputs"),
    ],
)
def test_operator_errors_are_one_sentence(arguments, message):
    with pytest.raises(mx.MXNetError) as error:
        convolution(**arguments)
    # MXNet adds where the message came from; of the library's own messages there is only the last one.
    ours = str(error.value).split("Extension Traceback:")[1].strip().splitlines()
    assert len(ours) == 1
    assert message in ours[0]


@needs_operators
def test_operator_errors_leave_the_operator_usable():
    with pytest.raises(mx.MXNetError, match="num_filter"):
        convolution(num_filter=-3)
    assert (convolution() == 27).all()


@needs_operators
def test_wrong_weight_shape():
    with pytest.raises(mx.MXNetError, match="Shape inconsistent"):
        mx.nd.QFullyConnected(mx.nd.ones((2, 5)), mx.nd.ones((3, 4)), num_hidden=3, no_bias=True)
