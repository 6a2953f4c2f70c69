"""The arguments that binary layers add to Gluon's, checked, and what both lowerings need of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmx.gluon.nn.config import current_config, or_config
from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.quantizers import Quantizer, get_quantizer

OUTPUT_RANGES = ("dot", "popcount")


def _require(layer: str, argument: str, value: Any, supported: tuple) -> None:
    # bool is an int in Python, but True as a padding value is a mistake.
    if value not in supported or isinstance(value, bool):
        choices = ", ".join(map(repr, supported))
        raise ValueError(f"{layer}: {argument}={value!r} is not supported; supported: {choices}.")


def require_float32(layer: str, dtype: Any) -> None:
    """Raise ValueError unless ``dtype`` is float32, the only type that binary layers compute with."""
    if np.dtype(dtype) != np.float32:
        raise ValueError(
            f"{layer}: dtype {np.dtype(dtype).name!r} is not supported; binary layers train in 'float32'."
        )


def operand(F: Any, x: Any, quantizer: Quantizer | None) -> tuple[Any, str, float]:  # noqa: N803
    """Input of a C++ operator, with the operator's name and clip of the quantizer."""
    if quantizer is None:
        return guard(F, x), "none", math.inf
    if quantizer.method is None:
        return guard(F, quantizer(F, x)), "none", math.inf
    return guard(F, x), quantizer.method, math.inf if quantizer.clip is None else quantizer.clip


@dataclass(frozen=True)
class Settings:
    """Arguments of one binary layer, defaults filled in.

    Attributes:
        weight_quantizer: of the latent weights.
        input_quantizer: of the input; None if the input is +-1 already.
        pad_value: 0, 1 or -1.
        output_range: 'dot' or 'popcount'.
    """

    weight_quantizer: Quantizer
    input_quantizer: Quantizer | None
    pad_value: int
    output_range: str

    @classmethod
    def resolve(
        cls,
        layer: str,
        *,
        bits: Any,
        input_bits: Any,
        weight_quantizer: Any,
        input_quantizer: Any,
        scaling: Any,
        output_range: Any,
        pad_value: Any = 0,
    ) -> Settings:
        """Fill in the config's defaults and check.

        Args:
            layer: name for error messages.
            bits: the layer's argument, `DEFAULT` where the caller gave none, as all that follow.
            input_bits: likewise.
            weight_quantizer: likewise.
            input_quantizer: likewise.
            scaling: likewise.
            output_range: likewise.
            pad_value: likewise; dense layers have none.

        Raises:
            ValueError: if a value is not supported.
        """
        _require(layer, "bits", or_config(bits, "bits"), (1,))
        _require(layer, "input_bits", or_config(input_bits, "input_bits"), (1,))
        _require(layer, "scaling", or_config(scaling, "scaling"), (None,))
        pad_value = or_config(pad_value, "pad_value")
        _require(layer, "pad_value", pad_value, (0, 1, -1))
        output_range = or_config(output_range, "output_range")
        _require(layer, "output_range", output_range, OUTPUT_RANGES)
        clip = current_config().clip
        input_quantizer = or_config(input_quantizer, "input_quantizer")
        return cls(
            weight_quantizer=get_quantizer(or_config(weight_quantizer, "weight_quantizer"), clip),
            input_quantizer=None if input_quantizer is None else get_quantizer(input_quantizer, clip),
            pad_value=int(pad_value),
            output_range=output_range,
        )

    def quantize(self, F: Any, x: Any, weight: Any) -> tuple[Any, Any]:  # noqa: N803
        """Input and weight of the native lowering."""
        if self.input_quantizer is not None:
            x = self.input_quantizer(F, x)
        return x, self.weight_quantizer(F, weight)

    def operator_arguments(self, F: Any, x: Any, weight: Any) -> tuple[Any, Any, dict[str, Any]]:  # noqa: N803
        """Input, weight and attributes of the operator lowering."""
        x, input_method, input_clip = operand(F, x, self.input_quantizer)
        weight, weight_method, weight_clip = operand(F, weight, self.weight_quantizer)
        attributes = {
            "input_quantizer": input_method,
            "input_clip": input_clip,
            "weight_quantizer": weight_method,
            "weight_clip": weight_clip,
            "output_range": self.output_range,
        }
        return x, weight, attributes

    def to_output_range(self, F: Any, dot: Any, weight: Any) -> Any:  # noqa: N803
        """The native lowering's dot products in the output range; ``weight``: [outputs, K values]."""
        if self.output_range == "dot":
            return dot
        # K is counted in the graph, because while shapes are deferred Python does not know it.
        ones = F.ones_like(F.slice_axis(weight, axis=0, begin=0, end=1))
        return F.broadcast_add(dot, F.sum(ones)) * 0.5
