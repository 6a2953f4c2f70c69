"""Latent weights: clipped, centered, with scaled learning rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mxnet import gluon

from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.optimizer import (
    center_latent_weights,
    clip_latent_weights,
    glorot_scales,
    is_binary,
    scale_learning_rates,
)
from tests.support.parameters import make_parameter, random


def test_latent_weights_are_clipped_and_centered_and_others_stay():
    rng = random(4)
    value = rng.normal(size=(4, 3, 2, 2), scale=2).astype(np.float32)
    latent, real = make_parameter(value, "latent", binary=True), make_parameter(value, "real")
    center_latent_weights({"a": latent, "b": real})
    np.testing.assert_allclose(
        latent.data().asnumpy(), value - value.mean(1, keepdims=True), rtol=1e-5, atol=1e-6
    )
    clip_latent_weights([latent, real], 0.5)
    centered = np.clip(value - value.mean(1, keepdims=True), -0.5, 0.5)
    np.testing.assert_allclose(latent.data().asnumpy(), centered, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(real.data().asnumpy(), value)


def test_binary_layers_mark_their_latent_weights():
    layers = QConv2D(4, 3, in_channels=2), QDense(4, in_units=2), gluon.nn.Dense(4, in_units=2)
    marked = [[is_binary(p) for p in (layer.weight, layer.bias)] for layer in layers]
    assert marked == [[True, False], [True, False], [False, False]]


def test_glorot_scales():
    dense = make_parameter(np.zeros((4, 7), np.float32), "dense", binary=True)
    convolution = make_parameter(np.zeros((8, 4, 3, 3), np.float32), "convolution", binary=True)
    real = make_parameter(np.zeros((5, 7), np.float32), "real")
    scales = glorot_scales([dense, convolution, real])
    assert scales == {
        "dense": pytest.approx(1 / math.sqrt(1.5 / 11)),
        "convolution": pytest.approx(1 / math.sqrt(1.5 / (4 * 9 + 8 * 9))),
    }
    assert glorot_scales([dense, convolution], power_of_two=True) == {"dense": 2, "convolution": 8}
    scale_learning_rates([dense, convolution, real], power_of_two=True)
    assert (dense.lr_mult, convolution.lr_mult, real.lr_mult) == (2, 8, 1)


def test_glorot_scales_need_shapes():
    with pytest.raises(ValueError, match=r"expected a shape \[outputs, inputs, ...\] of .*, found \(4, 0\)"):
        glorot_scales([QDense(4).weight])
