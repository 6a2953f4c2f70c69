"""The arguments that binary layers add to Gluon's: checked, and turned into what the lowerings need."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mxnet import gluon

from bmx.gluon.arguments import require
from bmx.gluon.nn.config import Default, current_config, or_config
from bmx.gluon.nn.lowerings import current_lowering, lowering
from bmx.gluon.nn.operands import is_plain, operand
from bmx.gluon.nn.quantizer_parameters import declare, learned_values
from bmx.gluon.nn.quantizers import Quantizer, Term, get_quantizer
from bmx.gluon.nn.scaling import SCALINGS, weight_scale
from bmx.gluon.tensor import Tensor

OUTPUT_RANGES = ("dot", "popcount")
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 32)


def _require_one_of(layer: str, argument: str, value: Any, supported: tuple) -> None:
    # bool is an int in Python, but True as a padding value is a mistake.
    fits = value in supported and not isinstance(value, bool)
    require(f"nn.{layer}", argument, value, fits, "one of " + ", ".join(map(repr, supported)))


def require_float32(layer: str, dtype: Any) -> None:
    """Raise ValueError unless ``dtype`` is float32, the only type that binary layers compute with."""
    name = np.dtype(dtype).name
    require(f"nn.{layer}", "dtype", name, name == "float32", "'float32', in which binary layers train")


@dataclass(frozen=True)
class Settings:
    """Arguments of one binary layer, with defaults filled in.

    Attributes:
        weight_quantizer: quantizer of the latent weights.
        input_quantizer: quantizer of the input; None if it is quantized already.
        pad_value: value that pads the input: 0, 1 or -1.
        output_range: range of the output: 'dot' or 'popcount'.
        scaling: scaling of the dot products, one of `SCALINGS`.
    """

    weight_quantizer: Quantizer
    input_quantizer: Quantizer | None
    pad_value: int
    output_range: str
    scaling: str | None = None

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
        """Fill in the defaults of the config, and check.

        All but ``layer``, its name for error messages, are the arguments of the layer, `DEFAULT` where the
        caller gave none. Dense layers have no ``pad_value``.

        Raises:
            ValueError: if a value is not supported.
        """
        weights = _quantizer(layer, "weight", bits, weight_quantizer, "bits")
        inputs = _quantizer(layer, "input", input_bits, input_quantizer, "input_bits")
        # Defaults for layers of one bit do not apply to others.
        of_signs = weights.kind == "signs" and (inputs is None or inputs.kind == "signs")
        pad_value = _fitting(pad_value, "pad_value", of_signs, 0)
        output_range = _fitting(output_range, "output_range", of_signs, "dot")
        plain_signs = weights.kind == "signs" and not weights.has_scales
        scaling = _fitting(scaling, "scaling", plain_signs, None)
        _require_one_of(layer, "pad_value", pad_value, (0, 1, -1))
        _require_one_of(layer, "output_range", output_range, OUTPUT_RANGES)
        _require_one_of(layer, "scaling", scaling, SCALINGS)
        settings = cls(weights, inputs, int(pad_value), output_range, scaling)
        settings._check(layer)
        return settings

    def _check(self, layer: str) -> None:
        owner, weights = f"nn.{layer}", self.weight_quantizer
        if weights.kind != "signs" or not self.takes_signs:
            of_signs = "unless inputs and weights have one bit"
            require(owner, "pad_value", self.pad_value, self.pad_value == 0, f"0 {of_signs}")
            require(owner, "output_range", self.output_range, self.output_range == "dot", f"'dot' {of_signs}")
        if self.scaling is not None:
            scaled = f", or scaling=None instead of {self.scaling!r}"
            require(owner, "output_range", self.output_range, self.output_range == "dot", f"'dot'{scaled}")
            plain_signs = weights.kind == "signs" and not weights.has_scales
            require(owner, "weight_quantizer", weights, plain_signs, f"of signs alone{scaled}")

    def with_quantizers(self, inputs: Quantizer | None, weights: Quantizer | None) -> Settings:
        """The same settings with other quantizers, None keeping one.

        Inputs that are not signs are padded with 0; real ones need no K, as they carry their magnitude.
        Weights that are not plain signs have no alpha.
        """
        changed = self
        if inputs is not None:
            of_signs = inputs.kind == "signs"
            without_k = "channel" if self.scaling == "xnor" and inputs.kind == "real" else self.scaling
            pad_value = self.pad_value if of_signs else 0
            changed = replace(changed, input_quantizer=inputs, scaling=without_k, pad_value=pad_value)
        if weights is not None:
            plain_signs = weights.kind == "signs" and not weights.has_scales
            scaling = changed.scaling if plain_signs else None
            changed = replace(changed, weight_quantizer=weights, scaling=scaling)
        return changed

    @property
    def takes_signs(self) -> bool:
        """Whether the codes of the input are -1 and +1."""
        return self.input_quantizer is None or self.input_quantizer.kind == "signs"

    @property
    def is_plain(self) -> bool:
        """Whether a value is one sign and a weight too, as the C++ operators multiply them."""
        return all(map(is_plain, self.quantizers))

    @property
    def quantizers(self) -> list[Quantizer]:
        """The quantizer of the input, if there is one, and that of the weight."""
        return [q for q in (self.input_quantizer, self.weight_quantizer) if q is not None]

    def declare(
        self, layer: gluon.HybridBlock, channels: int, filters: int, argument: str = "in_channels"
    ) -> None:
        """Give the layer the parameters that its quantizers learn; ``argument`` names ``channels``."""
        for role, count, quantizer in (
            ("input", channels, self.input_quantizer),
            ("weight", filters, self.weight_quantizer),
        ):
            if quantizer is not None:
                declare(layer, role, count, argument, quantizer)

    def learned(self, F: Any, role: str, values: dict[str, Any], shape: tuple) -> dict[str, Any]:
        """The arguments of a quantizer, out of those of ``hybrid_forward``; ``shape`` to broadcast."""
        quantizer = self.input_quantizer if role == "input" else self.weight_quantizer
        return learned_values(F, quantizer, f"{role}_", values, shape)

    def input_terms(self, F: Any, x: Tensor, learned: dict[str, Any]) -> list[Term]:
        """The terms of the input."""
        return [Term(x)] if self.input_quantizer is None else self.input_quantizer.terms(F, x, **learned)

    def weight_terms(
        self,
        F: Any,
        weight: Tensor,
        learned: dict[str, Any],
        shape: tuple[int, ...] | None,
    ) -> list[Term]:
        """The terms of the weight; ``shape`` is None or has zeros until MXNet has found it."""
        # MXNet does not find the shape of a parameter through a C++ operator.
        is_known = shape is not None and min(shape) > 0
        with lowering("native") if current_lowering() == "mixed" and not is_known else nullcontext():
            return self.weight_quantizer.terms(F, weight, **learned)

    def alpha(self, F: Any, weight: Tensor) -> Tensor | None:
        """Factor of `weight_scale`, made of the latent weights; None without scaling."""
        return weight_scale(F, self.scaling, weight)

    def operator_arguments(
        self,
        F: Any,
        x: Tensor,
        weight: Tensor,
        input_learned: dict[str, Any],
        weight_learned: dict[str, Any],
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Input, weight and attributes of the C++ operator of a plain layer."""
        x, input_method, input_clip = operand(F, x, self.input_quantizer, **input_learned)
        weight, weight_method, weight_clip = operand(F, weight, self.weight_quantizer, **weight_learned)
        attributes = {
            "input_quantizer": input_method,
            "input_clip": input_clip,
            "weight_quantizer": weight_method,
            "weight_clip": weight_clip,
            "output_range": self.output_range,
        }
        return x, weight, attributes

    def to_output_range(self, F: Any, dot: Tensor, weight: Tensor) -> Tensor:
        """The dot products in the output range; ``weight`` is [outputs, K values]."""
        if self.output_range == "dot":
            return dot
        # The graph counts K, because Python does not know it while shapes are deferred.
        ones = F.ones_like(F.slice_axis(weight, axis=0, begin=0, end=1))
        return F.broadcast_add(dot, F.sum(ones)) * 0.5


def _fitting(value: Any, name: str, fits: bool, otherwise: Any) -> Any:
    """The argument if given, else that of the config if it fits, else ``otherwise``."""
    return otherwise if isinstance(value, Default) and not fits else or_config(value, name)


# The quantizers of layers that name bits, but no quantizer.
_OF_BITS = {"input": "dorefa", "weight": "dorefa_weight"}


def _quantizer(layer: str, role: str, bits: Any, quantizer: Any, argument: str) -> Any:
    named = not isinstance(quantizer, Default)
    quantizer = or_config(quantizer, f"{role}_quantizer")
    from_config = isinstance(bits, Default)
    bits = or_config(bits, argument)
    _require_one_of(layer, argument, bits, BITS)
    if quantizer is None and role == "input":
        return None
    if bits != 1 and not named:
        quantizer = "identity" if bits == 32 else _OF_BITS[role]
    wanted = None if from_config and bits == 1 else bits
    found: Quantizer = get_quantizer(quantizer, current_config().clip, wanted)
    if wanted is not None and found.bits != wanted:
        raise ValueError(
            f"bmx.gluon.nn.{layer}: expected a {role}_quantizer for {argument}={bits}, found {found!r} of "
            f"{found.bits}; leave {argument} out or choose another quantizer."
        )
    return found
