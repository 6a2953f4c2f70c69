"""Initial values that depend on data."""

from __future__ import annotations

from typing import Any

from mxnet import gluon

from bmx.gluon.nn.quantizers.base import Quantizer, quantized_layers


def calibrate(net: gluon.Block, *inputs: Any) -> None:
    """Set learned parameters whose initial value depends on weights or inputs, as the steps of `LSQ` do.

    Weights come first. Then the net runs once, and each layer is set by its input before it computes.

    Args:
        net: initialized Block that is not hybridized yet.
        *inputs: inputs of the net; without them only parameters that depend on weights are set.

    Raises:
        ValueError: the net is hybridized, or a weight has no shape yet and there are no ``inputs``.
    """
    layers = list(quantized_layers(net))
    if any(getattr(layer, "_active", False) for layer in layers):
        raise ValueError(
            "bmx.gluon.nn.calibrate: expected a net that is not hybridized, found one that is; call it "
            "before net.hybridize()."
        )
    if inputs:
        net(*inputs)  # weights get their shapes
    for layer in layers:
        quantizer = getattr(layer, "weight_quantizer", None)
        if _depends_on_data(quantizer):
            _set(layer, "weight", quantizer, _weight(layer))
    if inputs:
        hooks = [layer.register_forward_pre_hook(_set_by_input) for layer in layers]
        try:
            net(*inputs)
        finally:
            for hook in hooks:
                hook.detach()


def _depends_on_data(quantizer: Quantizer | None) -> bool:
    return quantizer is not None and type(quantizer).initial is not Quantizer.initial


def _weight(layer: Any) -> Any:
    try:
        return layer.weight.data()
    except gluon.parameter.DeferredInitializationError:
        raise ValueError(
            f"bmx.gluon.nn.calibrate: expected a shape of {layer.weight.name}, found none; give an input of "
            "the net."
        ) from None


def _set_by_input(layer: Any, inputs: tuple) -> None:
    if _depends_on_data(layer.input_quantizer):
        _set(layer, "input", layer.input_quantizer, inputs[0])


def _set(layer: Any, role: str, quantizer: Any, values: Any) -> None:
    for name, value in quantizer.initial(values.asnumpy()).items():
        parameter = getattr(layer, f"{role}_{name}")
        parameter.set_data(parameter.data() * 0 + value)
