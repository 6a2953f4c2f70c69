"""The base of the binary layers: scaled sums of products of quantized inputs and weights."""

from __future__ import annotations

import functools
import operator
from typing import Any, Sequence

from mxnet import gluon

from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.lowerings import multiplies_in_cxx
from bmx.gluon.nn.operands import gives_signs
from bmx.gluon.nn.quantizer_parameters import hand_over, replacement
from bmx.gluon.nn.quantizers import Quantizer
from bmx.gluon.nn.quantizers.base import Term, scaled
from bmx.gluon.nn.settings import Settings, require_float32
from bmx.gluon.tensor import Tensor


class QuantizedLayer:
    """Mixin of `QConv2D` and `QDense`, before Gluon's class among their bases.

    The result is, over the terms n of the quantized input and m of the quantized weight,

        alpha * K * sum_n sum_m scale_n scale_m dot(input codes_n, weight codes_m) + bias

    with alpha and K from ``scaling``. Sums of products of codes are exact integers up to 2^24.
    """

    weight: gluon.Parameter
    act: gluon.nn.Activation | None
    _settings: Settings
    _channels_shape: tuple[int, ...]  # one number per channel, to broadcast against input and output
    _filters_shape: tuple[int, ...]  # one number per filter, to broadcast against the weight

    def _dot(self, F: Any, x: Tensor, weight: Tensor, name: str) -> Tensor:
        """Sums of products of codes, by MXNet's own operator as node ``name``, without bias."""
        raise NotImplementedError

    def _operator(
        self,
        F: Any,
        inputs: list[Any],
        attributes: dict[str, Any],
        name: str = "fwd",
    ) -> Tensor:
        """Sums of products of signs, by bmx's C++ operator as node ``name``.

        ``inputs`` are data, weight and perhaps bias.
        """
        raise NotImplementedError

    def _input_magnitude(self, F: Any, x: Tensor) -> Tensor:
        """K: the mean magnitude of the inputs of each output."""
        raise NotImplementedError

    @property
    def settings(self) -> Settings:
        """The arguments that binary layers add to Gluon's, defaults filled in."""
        return self._settings

    @property
    def quantizers(self) -> list[Quantizer]:
        """The quantizer of the input, if there is one, and that of the weight."""
        return self._settings.quantizers

    @property
    def input_quantizer(self) -> Quantizer | None:
        """The quantizer of the input; None if the layer takes it as it is."""
        return self._settings.input_quantizer

    @property
    def weight_quantizer(self) -> Quantizer:
        """The quantizer of the latent weights."""
        return self._settings.weight_quantizer

    def set_quantizers(
        self,
        *,
        input_quantizer: str | Quantizer | None = None,
        weight_quantizer: str | Quantizer | None = None,
    ) -> None:
        """Replace quantizers of an existing layer, as the stages of a training do.

        Padding and scaling follow, see `Settings.with_quantizers`. What a replaced quantizer has learned
        stays with the layer, untrained. Real weights are no latent weights: they decay as Gluon's do. Call it
        before ``hybridize()``, which records the quantizers of the first call.

        Args:
            input_quantizer: registered name or `Quantizer`; None keeps the quantizer.
            weight_quantizer: registered name or `Quantizer`; None keeps the quantizer.

        Raises:
            ValueError: a quantizer is not known, or learns parameters that the layer does not have.
        """
        old = self._settings
        inputs = replacement(self, "input", input_quantizer)
        weights = replacement(self, "weight", weight_quantizer)
        self._settings = old.with_quantizers(inputs, weights)
        if inputs is not None:
            hand_over(self, "input", old.input_quantizer, inputs)
        if weights is not None:
            hand_over(self, "weight", old.weight_quantizer, weights)
            self.weight.binary = weights.kind == "signs"
            self.weight.wd_mult = 1.0 if weights.kind == "real" else 0.0

    def hybrid_forward(
        self,
        F: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        **learned: Tensor,
    ) -> Tensor:
        """The formula of `QuantizedLayer`, then the bias and the activation."""
        settings = self._settings
        of_input = settings.learned(F, "input", learned, self._channels_shape)
        of_weight = settings.learned(F, "weight", learned, self._filters_shape)
        if settings.is_plain and multiplies_in_cxx():
            operands = settings.operator_arguments(F, x, weight, of_input, of_weight)
            out, bias = self._plain_operator(F, *operands, bias)
        else:
            out = self._sum(F, x, weight, of_input, of_weight)
            out = settings.to_output_range(F, out, weight)
        out = self._times_alpha_and_k(F, out, x, weight)
        if bias is not None:
            # Added last and not inside Convolution, so that it is rounded once, as in the operator.
            out = F.broadcast_add(out, F.reshape(bias, shape=self._channels_shape))
        return out if self.act is None else self.act(out)

    def _plain_operator(
        self,
        F: Any,
        x: Tensor,
        weight: Tensor,
        attributes: dict[str, Any],
        bias: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """The result of the operator, and the bias that is left to add, if any."""
        if bias is None or self._settings.scaling is not None:
            return self._operator(F, [x, weight], attributes), bias
        return self._operator(F, [x, weight, guard(F, bias)], attributes), None

    def _sum(self, F: Any, x: Tensor, weight: Tensor, of_input: dict, of_weight: dict) -> Tensor:
        settings = self._settings
        shape = self.weight.shape
        weights = settings.weight_terms(F, weight, of_weight, shape)
        inputs = settings.input_terms(F, x, of_input)
        signs = settings.takes_signs and all(map(gives_signs, settings.quantizers))
        return self._sum_of_products(F, weights, inputs, signs)

    def _sum_of_products(
        self, F: Any, weights: Sequence[Term], inputs: Sequence[Term], signs: bool
    ) -> Tensor:
        pairs = enumerate((w, v) for w in weights for v in inputs)
        products = (self._scaled_product(F, w, v, signs, f"fwd{number or ''}") for number, (w, v) in pairs)
        return functools.reduce(operator.add, products)

    def _scaled_product(self, F: Any, weight: Term, x: Term, signs: bool, name: str) -> Tensor:
        product = self._product(F, x.codes, weight.codes, signs, name)
        for scale in self._scales(F, x.scale, weight.scale):
            product = scaled(F, product, scale)
        return product

    def _product(self, F: Any, x: Tensor, weight: Tensor, signs: bool, name: str) -> Tensor:
        if not signs or not multiplies_in_cxx():
            return self._dot(F, x, weight, name)
        attributes = {"input_quantizer": "none", "weight_quantizer": "none", "output_range": "dot"}
        return self._operator(F, [guard(F, x), guard(F, weight)], attributes, name)

    def _scales(
        self, F: Any, of_input: Tensor | float | None, of_weight: Tensor | float | None
    ) -> list[Tensor | float]:
        """Factors that make the scale of a product of two codes; at most one of them is a number."""
        factors: list[Tensor | float] = []
        number = 1.0
        for scale in (of_weight, of_input):
            if isinstance(scale, (int, float)):
                number *= scale
            elif scale is not None:
                factors.append(F.reshape(scale, shape=self._channels_shape) if scale is of_weight else scale)
        return factors if number == 1 else [number, *factors]

    def _times_alpha_and_k(self, F: Any, out: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        alpha = self._settings.alpha(F, weight)
        if alpha is None:
            return out
        out = F.broadcast_mul(out, F.reshape(alpha, shape=self._channels_shape))
        if self._settings.scaling == "xnor":
            out = F.broadcast_mul(out, F.BlockGrad(self._input_magnitude(F, x)))
        return out

    def cast(self, dtype: Any) -> None:
        """Raise ValueError unless ``dtype`` is float32."""
        require_float32(type(self).__name__, dtype)
        super().cast(dtype)  # type: ignore[misc]


def make_binary(layer: Any, twin: Any, wd_mult: float) -> None:
    """Make a layer of Gluon what its binary twin is, in place: it stays the same object.

    Args:
        layer: Conv2D or Dense.
        twin: layer of the same arguments, whose class and settings it takes.
        wd_mult: weight decay of its weight while it is float, for `make_float`.
    """
    layer.__class__ = type(twin)
    layer._settings = twin._settings
    layer._float_wd_mult = wd_mult
    layer.weight.wd_mult = twin.weight.wd_mult
    layer.weight.binary = twin.weight.binary


def make_float(layer: Any, cls: type) -> None:
    """The inverse of `make_binary`, also for layers that were built binary.

    Args:
        layer: a binary layer.
        cls: the layer of Gluon that it becomes.
    """
    layer.__class__ = cls
    # A layer that was built binary has no weight decay of before.
    layer.weight.wd_mult = vars(layer).pop("_float_wd_mult", 1.0)
    layer.weight.binary = False
    del layer._settings
