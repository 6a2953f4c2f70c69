"""What bmx's operators inside MXNet refuse, and how they say it."""

from __future__ import annotations

import mxnet as mx
import pytest

from bmx.gluon import library

needs_operators = pytest.mark.skipif(not library.is_loaded(), reason=f"{library.PATH} is not built")


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
