"""Quantizers replaced in existing layers: as if the layer had been built with them."""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon import nn


def images(seed: int = 0) -> Any:
    return mx.nd.array(np.random.RandomState(seed).normal(size=(2, 4, 6, 6)))


def built(weight: Any = None, **arguments: Any) -> Any:
    layer = nn.QConv2D(3, 3, in_channels=4, **arguments)
    layer.initialize(mx.init.Normal(1))
    if weight is not None:
        layer.weight.set_data(weight)
    return layer


@pytest.mark.parametrize("lowered", ["native", "inference"])
@pytest.mark.parametrize(
    "quantizers",
    [
        {"input_quantizer": "approx_sign"},
        {"input_quantizer": "identity"},
        {"input_quantizer": nn.DoReFa(3)},
        {"weight_quantizer": nn.DoReFaWeight(4)},
        {"input_quantizer": "identity", "weight_quantizer": "identity"},
    ],
    ids=str,
)
def test_a_layer_computes_what_one_that_was_built_so_does(quantizers: dict[str, Any], lowered: str) -> None:
    changed, x = built(), images()
    changed.set_quantizers(**quantizers)
    expected = built(changed.weight.data(), **quantizers)
    assert repr(changed.settings) == repr(expected.settings)
    with nn.lowering(lowered):
        np.testing.assert_array_equal(changed(x).asnumpy(), expected(x).asnumpy())


def test_what_only_signs_have_goes_with_them() -> None:
    layer = built(scaling="xnor", pad_value=1)
    layer.set_quantizers(input_quantizer="approx_sign")
    assert (layer.settings.scaling, layer.settings.pad_value) == ("xnor", 1)
    layer.set_quantizers(input_quantizer="identity")
    assert (layer.settings.scaling, layer.settings.pad_value) == ("channel", 0)
    layer.set_quantizers(weight_quantizer="identity")
    assert layer.settings.scaling is None


def test_real_weights_decay_and_latent_ones_do_not() -> None:
    layer = built()
    assert (layer.weight.binary, layer.weight.wd_mult) == (True, 0)
    layer.set_quantizers(weight_quantizer="identity")
    assert (layer.weight.binary, layer.weight.wd_mult) == (False, 1)
    layer.set_quantizers(weight_quantizer="det_sign")
    assert (layer.weight.binary, layer.weight.wd_mult) == (True, 0)


def test_parameters_rest_while_their_quantizer_is_away() -> None:
    layer = built(input_quantizer="rsign")
    rsign = layer.input_quantizer
    layer.set_quantizers(input_quantizer="det_sign")
    assert layer.input_shift.grad_req == "null"
    layer.set_quantizers(input_quantizer=rsign)
    assert layer.input_shift.grad_req == "write"
    assert layer.input_quantizer is rsign


def test_a_replaced_quantizer_follows_its_schedule() -> None:
    layer = built(input_quantizer=nn.TanhSign(nu=1))
    quantizer = nn.TanhSign(nu=1)
    layer.set_quantizers(input_quantizer=quantizer)
    quantizer.set("nu", 7)
    assert layer.input_nu.data().asscalar() == 7


def test_new_parameters_are_refused_and_nothing_changes() -> None:
    layer = built()
    with pytest.raises(ValueError, match=r"learns nothing new, found LSQ\(.*\), which learns step; give it"):
        layer.set_quantizers(weight_quantizer="identity", input_quantizer="lsq")
    assert repr(layer.quantizers) == "[DetSign(clip=1.0), DetSign(clip=1.0)]"
    assert layer.weight.binary


@pytest.mark.parametrize("kind", [nn.QActivation, nn.BinaryBatchNorm])
def test_layers_with_one_quantizer(kind: Any) -> None:
    layer = kind(in_channels=4)
    layer.set_quantizers()
    before = layer.input_quantizer
    assert layer.quantizers == [before]
    layer.set_quantizers(input_quantizer="approx_sign")
    assert repr(layer.quantizers) == "[ApproxSign()]"


def test_horq_by_position_keeps_its_input_quantizer() -> None:
    layer = nn.HORQConv2D(3, 3, in_channels=4)
    layer.set_quantizers(weight_quantizer="identity", input_quantizer=nn.HORQ(3))
    with pytest.raises(ValueError, match="expected input_quantizer HORQ with beta='position', found"):
        layer.set_quantizers(input_quantizer="identity")
