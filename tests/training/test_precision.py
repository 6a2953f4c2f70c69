"""Layers whose weights or activations are real in a stage."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon import nn

from bmx.gluon import model_zoo
from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.optimizer import is_binary
from bmx.training import seed_everything
from bmx.training.precision import set_clip, set_precision


def layer(**arguments: Any) -> tuple[QDense, mx.nd.NDArray]:
    seed_everything(0)
    dense = QDense(5, in_units=4, use_bias=False, **arguments)
    dense.initialize(mx.init.Uniform(1.5))
    return dense, mx.nd.random.normal(shape=(3, 4))


@pytest.mark.parametrize("activations", ["binary", "identity", "hardtanh", "tanh"])
@pytest.mark.parametrize("weights", ["binary", "identity"])
def test_what_a_layer_computes(weights: str, activations: str) -> None:
    dense, x = layer()
    set_precision(dense, weights, activations)
    w, v = dense.weight.data().asnumpy(), x.asnumpy()

    def sign(a: np.ndarray) -> np.ndarray:
        return np.where(a < 0, -1.0, 1.0)

    functions = {
        "binary": sign,
        "identity": lambda a: a,
        "hardtanh": lambda a: a.clip(-1, 1),
        "tanh": np.tanh,
    }
    expected = functions[activations](v) @ functions[weights](w).T
    for hybrid in (False, True):
        dense.hybridize(hybrid)
        np.testing.assert_allclose(dense(x).asnumpy(), expected, rtol=1e-5, atol=1e-6)
    assert is_binary(dense.weight) == (weights == "binary")


def test_the_hard_tanh_passes_gradients_inside() -> None:
    dense, _ = layer()
    set_precision(dense, "identity", "hardtanh")
    x = mx.nd.array([[-2, -0.5, 0.5, 2]])
    x.attach_grad()
    with autograd.record():
        y = dense(x).sum()
    y.backward()
    expected = dense.weight.data().asnumpy().sum(axis=0) * np.array([0, 1, 1, 0])
    np.testing.assert_allclose(x.grad.asnumpy(), expected[None], rtol=1e-5)


def test_learned_shifts_train_in_real_stages_too() -> None:
    conv = QConv2D(2, 1, in_channels=3, input_quantizer="rsign", use_bias=False)
    conv.initialize()
    conv.input_shift.set_data(mx.nd.array([0.5, -0.5, 0]))
    set_precision(conv, "identity", "identity")
    x = mx.nd.ones((1, 3, 1, 1))
    w = conv.weight.data().asnumpy().reshape(2, 3)
    np.testing.assert_allclose(conv(x).asnumpy().ravel(), w @ [1.5, 0.5, 1], rtol=1e-5)
    with autograd.record():
        y = conv(x).sum()
    y.backward()
    np.testing.assert_allclose(conv.input_shift.grad().asnumpy(), w.sum(axis=0), rtol=1e-5)


def test_a_clip_threshold_reaches_the_layers() -> None:
    net = model_zoo.get_model("lenet")
    assert set_clip(net, 0.25) == 2
    assert {q.clip for child in net for q in getattr(child, "quantizers", [])[:1]} == {0.25}
    with pytest.raises(ValueError, match=r"expected a net with a clip in a layer, found none"):
        set_clip(nn.Dense(3), 0.25)
