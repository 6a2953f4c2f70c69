"""Nets made float again."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import nn as float_nn

from bmx.gluon import binarize, export_float, nn
from tests.support.surgery import normal, vgg


@pytest.fixture(autouse=True)
def _seed():
    print("seed 11")
    mx.random.seed(11)
    np.random.seed(11)


@pytest.mark.parametrize("hybridized", [False, True])
@pytest.mark.parametrize("static", [False, True])
def test_there_and_back(hybridized, static):
    net, x = vgg(), normal(3, 3, 8, 8)
    if hybridized:
        net.hybridize(static_alloc=static, static_shape=static)
    before, weights = net(x).asnumpy(), [p.data().asnumpy() for p in net.collect_params().values()]
    binarize(net, verbose=False)
    binary = net(x).asnumpy()
    assert np.abs(binary - before).max() > 0
    report = export_float(net, verbose=False)
    assert report.title == "export_float: 2 of 4 layers made float"
    np.testing.assert_array_equal(net(x).asnumpy(), before)
    assert type(net[4]) is float_nn.Conv2D
    assert type(net[6]) is float_nn.Activation
    assert [p.wd_mult for p in net.collect_params().values()] == [1.0] * len(weights)
    for parameter, weight in zip(net.collect_params().values(), weights):
        np.testing.assert_array_equal(parameter.data().asnumpy(), weight)
    with nn.defaults(pad_value=-1, clip=None):
        binarize(net, verbose=False)
    assert net[4].settings.pad_value == -1
    np.testing.assert_array_equal(net(x).asnumpy(), binary)  # its convolution pads nothing
