"""Stages of a training: which of weights and activations are quantized yet."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, ClassVar

from mxnet import gluon

from bmx.gluon.nn.layer import QuantizedLayer
from bmx.gluon.nn.quantizers import Identity, Quantizer, SignQuantizer
from bmx.gluon.nn.quantizers.base import quantized_layers


class Bounded(Quantizer):
    """A real activation in the range of a sign: what stands in its place before activations are binary.

    Forward: q(x) = clip(x, -1, 1) or tanh(x). Backward: its derivative.

    A net whose only other layers are convolutions and norms would be linear with the identity instead.

    Paper: Liu et al., Bi-Real Net, arXiv:1808.00278, section 3.3 (clip); Zhuang et al., Group-Net,
    arXiv:1811.10413 (tanh).

    Args:
        function: ``hardtanh`` or ``tanh``.
    """

    kind: ClassVar[str] = "real"
    bits = 32

    def __init__(self, function: str = "hardtanh") -> None:
        self.function = function

    def codes(self, F: Any, x: Any, **learned: Any) -> Any:
        """The bounded array."""
        # The comparison passes gradients where clip would, and unlike clip also into values used twice.
        return F.tanh(x) if self.function == "tanh" else F.relu(2 - F.relu(1 - x)) - 1


class _Shifted(Quantizer):
    """Another quantizer behind the shifts of one that learns them, so that these train in every stage."""

    kind: ClassVar[str] = "real"
    bits = 32

    def __init__(self, shifting: Quantizer, inner: Quantizer) -> None:
        self.shifting, self.inner = shifting, inner
        self.learned = shifting.learned

    def codes(self, F: Any, x: Any, **learned: Any) -> Any:
        """The inner codes of the shifted array."""
        return self.inner.codes(F, self.shifting.latent(F, x, **learned))  # type: ignore[attr-defined]


def set_precision(net: gluon.Block, weights: str = "binary", activations: str = "binary") -> int:
    """Make quantized layers of a new net real, as a stage has them; ``binary`` leaves them as they are.

    Real weights are no latent weights any more: they are not bounded, and weight decay concerns them.

    Args:
        net: initialised or not; it is to be hybridized behind this call.
        weights: ``binary`` or ``identity``.
        activations: ``binary``, ``identity``, ``hardtanh`` or ``tanh``.

    Returns:
        How many layers were changed.

    Raises:
        ValueError: a layer cannot be changed so.
    """
    if weights == activations == "binary":
        return 0
    layers: list[Any] = list(quantized_layers(net))
    for layer in layers:
        if isinstance(layer, QuantizedLayer):
            _set_layer(layer, weights, activations)
        elif activations != "binary":
            layer._quantizer = _real(layer, layer._quantizer, activations)
    return len(layers)


def set_clip(net: gluon.Block, threshold: float) -> int:
    """Set where the signs of activations pass gradients: |x| <= threshold, BMXNet's clip threshold.

    Args:
        net: to be hybridized behind this call.
        threshold: above 0.

    Returns:
        In how many layers.

    Raises:
        ValueError: no layer has such a threshold.
    """
    count = 0
    layers: list[Any] = list(quantized_layers(net))
    for layer in layers:
        settings = getattr(layer, "_settings", None)
        quantizer = layer._quantizer if settings is None else settings.input_quantizer
        if getattr(quantizer, "clip", None) is None:
            continue
        other = copy.copy(quantizer)
        other.clip = threshold
        if settings is None:
            layer._quantizer = other
        else:
            layer._settings = replace(settings, input_quantizer=other)
        count += 1
    if not count:
        raise ValueError("model.clip_threshold: no layer of the net has a clip; set it to 0")
    return count


def _set_layer(layer: Any, weights: str, activations: str) -> None:
    settings = layer._settings
    if activations != "binary" and settings.input_quantizer is not None:
        if getattr(layer, "_by_position", False):
            raise ValueError(f"stages: {layer.name} is a HORQConv2D by position, whose input stays binary")
        inputs = _real(layer, settings.input_quantizer, activations)
        scaling = "channel" if settings.scaling == "xnor" else settings.scaling
        settings = replace(settings, input_quantizer=inputs, scaling=scaling, pad_value=0)
    if weights != "binary":
        _freeze(layer, "weight", settings.weight_quantizer)
        settings = replace(settings, weight_quantizer=Identity(), scaling=None)
        layer.weight.binary = False
        layer.weight.wd_mult = 1.0
    layer._settings = settings


def _real(layer: Any, quantizer: Quantizer, activations: str) -> Quantizer:
    """What stands in the place of a quantizer of activations."""
    if quantizer.kind == "real":
        return quantizer
    inner: Quantizer = Identity() if activations == "identity" else Bounded(activations)
    if isinstance(quantizer, SignQuantizer) and any(learned.trained for learned in quantizer.learned):
        return _Shifted(quantizer, inner)
    _freeze(layer, "input", quantizer)
    return inner


def _freeze(layer: Any, role: str, quantizer: Quantizer) -> None:
    """The parameters of a quantizer that is out of use get no gradient."""
    for learned in quantizer.learned:
        getattr(layer, f"{role}_{learned.name}").grad_req = "null"
