"""What the layers refuse, and how they say it."""

from __future__ import annotations

import re

import pytest

from bmx.gluon import nn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 0}, "QConv2D: expected bits one of 1, 2, 3, 4, 5, 6, 7, 8, 32, found 0."),
        ({"bits": 9}, "QConv2D: expected bits one of 1, 2, 3, 4, 5, 6, 7, 8, 32, found 9."),
        ({"input_bits": True}, "QConv2D: expected input_bits one of 1, 2, 3, 4, 5, 6, 7, 8, 32, found True."),
        (
            {"bits": 2, "weight_quantizer": "det_sign"},
            "QConv2D: expected a weight_quantizer for bits=2, found DetSign(clip=1.0) of 1; leave bits out",
        ),
        (
            {"scaling": "filter"},
            "QConv2D: expected scaling one of None, 'channel', 'channel_detached', 'tensor', 'xnor', found",
        ),
        (
            {"scaling": "channel", "bits": 2},
            "QConv2D: expected weight_quantizer of signs alone, or scaling=None instead of 'channel', found",
        ),
        (
            {"scaling": "channel", "weight_quantizer": "abc_weight"},
            "expected weight_quantizer of signs alone, or scaling=None instead of 'channel', found ABCWeight",
        ),
        ({"scaling": "xnor", "dilation": 2}, "QConv2D: expected dilation 1 with scaling='xnor', found 2."),
        (
            {"output_range": "popcount", "scaling": "channel"},
            "expected output_range 'dot', or scaling=None instead of 'channel', found 'popcount'.",
        ),
        (
            {"input_bits": 2, "pad_value": 1},
            "QConv2D: expected pad_value 0 unless inputs and weights have one bit, found 1.",
        ),
        ({"pad_value": 2}, "QConv2D: expected pad_value one of 0, 1, -1, found 2."),
        ({"pad_value": True}, "QConv2D: expected pad_value one of 0, 1, -1, found True."),
        (
            {"output_range": "xnor"},
            "QConv2D: expected output_range one of 'dot', 'popcount', found 'xnor'.",
        ),
        ({"layout": "NHWC"}, "QConv2D: expected layout 'NCHW', found 'NHWC'."),
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
    with pytest.raises(ValueError, match=r"expected dtype 'float32', .*, found 'float16'\."):
        layer.cast("float16")


def test_dense_dtype():
    with pytest.raises(ValueError, match=r"QDense: expected dtype 'float32', .* found 'float64'"):
        nn.QDense(3, dtype="float64")
