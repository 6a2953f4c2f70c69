"""The config and the lowering: set, restored, one per thread, read when a layer is constructed."""

from __future__ import annotations

import threading

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import library, nn


def test_defaults_are_restored_after_an_exception():
    before = nn.current_config()

    def fail_inside():
        with nn.defaults(pad_value=1, clip=None):
            assert (nn.current_config().pad_value, nn.current_config().clip) == (1, None)
            with nn.defaults(pad_value=-1):
                assert (nn.current_config().pad_value, nn.current_config().clip) == (-1, None)
            assert nn.current_config().pad_value == 1
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert nn.current_config() == before == nn.Config()


def test_defaults_belong_to_their_thread():
    seen = []
    with nn.defaults(pad_value=1):
        thread = threading.Thread(target=lambda: seen.append(nn.current_config()))
        thread.start()
        thread.join()
    assert seen == [nn.Config()]


def test_unknown_default():
    with pytest.raises(TypeError, match=r"expected some of bits, .* found padding_value\."):
        nn.defaults(padding_value=1).__enter__()


def test_layers_read_the_config_when_constructed():
    with nn.defaults(pad_value=1):
        configured = nn.QConv2D(3, 3, padding=1, use_bias=False, in_channels=2)
        overruled = nn.QConv2D(3, 3, padding=1, use_bias=False, in_channels=2, pad_value=0)
    for layer in (configured, overruled):
        layer.initialize(mx.init.One())
    x = mx.nd.ones((1, 2, 4, 4))
    assert configured(x)[0, 0, 0, 0].asscalar() == 18
    assert overruled(x)[0, 0, 0, 0].asscalar() == 8


def test_config_can_leave_inputs_to_explicit_activations():
    with nn.defaults(input_quantizer=None):
        layer, activation = nn.QDense(1, use_bias=False, in_units=2), nn.QActivation()
    layer.initialize(mx.init.One())
    x = mx.nd.array([[0.5, 3.0]])
    assert layer(x).asscalar() == 3.5
    np.testing.assert_array_equal(activation(x).asnumpy(), [[1, 1]])


def test_lowering_is_checked():
    assert nn.current_lowering() == "native"
    with pytest.raises(ValueError, match="one of 'native', 'mixed', 'operator', 'inference', found 'cuda'"):
        nn.lowering("cuda").__enter__()


def test_operator_lowering_without_the_library(monkeypatch):
    monkeypatch.setattr(library, "is_loaded", lambda: False)
    with pytest.raises(RuntimeError, match=r"operator lowering needs .* reinstall bmx-gluon"):
        nn.lowering("operator").__enter__()
    assert nn.current_lowering() == "native"
