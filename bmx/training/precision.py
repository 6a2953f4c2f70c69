"""Precision of a stage: which of weights and activations are quantized yet."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from mxnet import gluon

from bmx.gluon.nn.layer import QuantizedLayer
from bmx.gluon.nn.quantizers import Identity, Quantizer, SignQuantizer
from bmx.gluon.nn.quantizers.base import quantized_layers
from bmx.gluon.tensor import Tensor


class Bounded(Quantizer):
    """A real activation in the range of a sign, in its place before activations are binary.

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

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The bounded array."""
        # The comparison passes gradients where clip would, and unlike clip also into values used twice.
        return F.tanh(x) if self.function == "tanh" else F.relu(2 - F.relu(1 - x)) - 1


class _Shifted(Quantizer):
    """Another quantizer after the learned shifts of one, so that these train in every stage."""

    kind: ClassVar[str] = "real"
    bits = 32

    def __init__(self, shifting: Quantizer, inner: Quantizer) -> None:
        self.shifting, self.inner = shifting, inner
        self.learned = shifting.learned

    def codes(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The inner codes of the shifted array."""
        return self.inner.codes(F, self.shifting.latent(F, x, **learned))  # type: ignore[attr-defined]


def set_precision(net: gluon.Block, weights: str = "binary", activations: str = "binary") -> int:
    """Make quantized layers of a new net real, as a stage has them; ``binary`` leaves them as they are.

    Real weights are no longer latent weights: they are not bounded, and weight decay concerns them.

    Args:
        net: net, initialized or not; hybridize it after this call.
        weights: precision of weights, ``binary`` or ``identity``.
        activations: precision of activations, ``binary``, ``identity``, ``hardtanh`` or ``tanh``.

    Returns:
        Number of layers that were changed.

    Raises:
        ValueError: a layer cannot be changed.
    """
    if weights == activations == "binary":
        return 0
    layers = list(quantized_layers(net))
    for layer in layers:
        layer.set_quantizers(**_real_quantizers(layer, weights, activations))
    return len(layers)


def set_clip(net: gluon.Block, threshold: float) -> int:
    """Set where the signs of activations pass gradients: |x| <= threshold, BMXNet's clip threshold.

    Args:
        net: net; hybridize it after this call.
        threshold: bound of |x|, above 0.

    Returns:
        Number of layers that were changed.

    Raises:
        ValueError: no layer has such a threshold.
    """
    count = 0
    layers = list(quantized_layers(net))
    for layer in layers:
        quantizer = copy.copy(layer.input_quantizer)
        if getattr(quantizer, "clip", None) is not None:
            quantizer.clip = threshold
            layer.set_quantizers(input_quantizer=quantizer)
            count += 1
    if not count:
        raise ValueError(
            "model.clip_threshold: expected a net with a clip in a layer, found none; set it to 0"
        )
    return count


def _real_quantizers(layer: Any, weights: str, activations: str) -> dict[str, Quantizer]:
    """The quantizers of a layer that a stage replaces, by the arguments of ``set_quantizers``."""
    chosen: dict[str, Quantizer] = {}
    if activations != "binary" and layer.input_quantizer is not None:
        chosen["input_quantizer"] = _real(layer.input_quantizer, activations)
    if weights != "binary" and isinstance(layer, QuantizedLayer):
        chosen["weight_quantizer"] = Identity()
    return chosen


def _real(quantizer: Quantizer, activations: str) -> Quantizer:
    """The replacement of a quantizer of activations."""
    if quantizer.kind == "real":
        return quantizer
    inner: Quantizer = Identity() if activations == "identity" else Bounded(activations)
    if isinstance(quantizer, SignQuantizer) and any(learned.trained for learned in quantizer.learned):
        return _Shifted(quantizer, inner)
    return inner
