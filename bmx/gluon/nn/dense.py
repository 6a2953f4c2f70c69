"""Binary fully connected layer."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict, nn

from bmx.gluon.arguments import require
from bmx.gluon.nn.config import DEFAULT
from bmx.gluon.nn.layer import QuantizedLayer
from bmx.gluon.nn.settings import Settings, require_float32
from bmx.gluon.tensor import Tensor


class QDense(QuantizedLayer, nn.Dense):
    """Fully connected layer with quantized input and quantized weights; both are binary by default.

    Takes every argument of ``gluon.nn.Dense`` under the same name and in the same position. The latent
    weights are real and have no weight decay, as in `QConv2D`. The output is sign(x) . sign(w), plus the
    bias, through the activation.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830.

    Args:
        units: number of outputs.
        activation: name of an activation applied to the output, as in ``gluon.nn.Activation``.
        use_bias: whether a bias is added to the output.
        flatten: whether to flatten all axes but the first; otherwise the layer works along the last axis.
        dtype: type of the parameters, 'float32' only.
        weight_initializer: initializer of the latent weights.
        bias_initializer: initializer of the bias.
        in_units: number of inputs; 0 leaves it to the first call.
        bits: bits of a weight: 1 to 8, or 32 for real ones. Where no weight quantizer is named, it
            chooses one: ``dorefa_weight``, ``identity``.
        input_bits: bits of an input value; likewise for the input quantizer: ``dorefa``, ``identity``.
        weight_quantizer: registered name or `Quantizer`.
        input_quantizer: registered name or `Quantizer`; None leaves the input to an explicit `QActivation`
            before this layer.
        scaling: None; 'channel' multiplies by alpha, each filter's mean magnitude; 'channel_detached' does
            so without a gradient of alpha; 'tensor' by that of all filters; 'xnor' by alpha and K, the
            mean magnitude of the sample's inputs.
        output_range: 'dot', or 'popcount' for (dot + in_units) / 2.
        prefix: as in Gluon.
        params: as in Gluon.

    All keyword-only arguments but the last two default to the current `Config`.

    Inputs:
        - **data**: float32 [batch, ...] with in_units values a sample; without ``flatten`` [..., in_units].

    Outputs:
        - **out**: float32 [batch, units]; without ``flatten`` [..., units].

    Raises:
        ValueError: if an argument is not supported.
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        flatten: bool = True,
        dtype: Any = "float32",
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_units: int = 0,
        *,
        bits: Any = DEFAULT,
        input_bits: Any = DEFAULT,
        weight_quantizer: Any = DEFAULT,
        input_quantizer: Any = DEFAULT,
        scaling: Any = DEFAULT,
        output_range: Any = DEFAULT,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        require("nn.QDense", "units", units, units >= 1, "of at least 1")
        require_float32("QDense", dtype)
        self._settings = Settings.resolve(
            "QDense",
            bits=bits,
            input_bits=input_bits,
            weight_quantizer=weight_quantizer,
            input_quantizer=input_quantizer,
            scaling=scaling,
            output_range=output_range,
        )
        super().__init__(
            units,
            activation,
            use_bias,
            flatten,
            dtype,
            weight_initializer,
            bias_initializer,
            in_units,
            prefix=prefix,
            params=params,
        )
        self._settings.declare(self, in_units, units, "in_units")
        self.weight.wd_mult = 0.0
        self.weight.binary = self._settings.weight_quantizer.kind == "signs"

    def _alias(self) -> str:
        # Parameters keep the names that they have in the float net.
        return "dense"

    def hybrid_forward(
        self,
        F: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        **learned: Tensor,
    ) -> Tensor:
        quantizer = self._settings.input_quantizer
        if self._flatten and quantizer is not None and (quantizer.learned or quantizer.has_terms):
            # The arrays that the quantizer learns or makes have two axes, as the output does.
            x = F.Flatten(x)
        return super().hybrid_forward(F, x, weight, bias, **learned)

    _channels_shape = (1, -1)
    _filters_shape = (-1, 1)

    def _dot(self, F: Any, x: Tensor, weight: Tensor, name: str) -> Tensor:
        return F.FullyConnected(
            x, weight, num_hidden=self._units, no_bias=True, flatten=self._flatten, name=name
        )

    def _operator(
        self,
        F: Any,
        inputs: list[Any],
        attributes: dict[str, Any],
        name: str = "fwd",
    ) -> Tensor:
        no_bias = len(inputs) == 2
        return F.QFullyConnected(
            *inputs, name=name, num_hidden=self._units, no_bias=no_bias, flatten=self._flatten, **attributes
        )

    def _input_magnitude(self, F: Any, x: Tensor) -> Tensor:
        axis = {"axis": 0, "exclude": True} if self._flatten else {"axis": -1}
        scale = F.mean(F.abs(x), keepdims=True, **axis)
        return F.Flatten(scale) if self._flatten else scale
