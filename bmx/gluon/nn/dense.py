"""Binary fully connected layer."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn

from bmx.gluon.nn.config import DEFAULT
from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.settings import Settings, require_float32


class QDense(nn.Dense):  # type: ignore[misc]
    """Fully connected layer with binarized input and binarized weights.

    Takes every argument of ``gluon.nn.Dense`` under the same name and in the same position. The latent
    weights are real and exempt from weight decay, as in `QConv2D`. The output is sign(x) . sign(w), plus the
    bias, through the activation.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830.

    Args:
        units: outputs.
        activation: name of an activation applied to the output, as in ``gluon.nn.Activation``.
        use_bias: whether a bias is added to the output.
        flatten: whether all axes but the first are one; otherwise the layer works along the last axis.
        dtype: 'float32'.
        weight_initializer: of the latent weights.
        bias_initializer: of the bias.
        in_units: inputs; 0 leaves them to the first call.
        bits: bits of a weight: 1.
        input_bits: bits of an input value: 1.
        weight_quantizer: registered name or `Quantizer`.
        input_quantizer: likewise; None leaves the input to an explicit `QActivation` before this layer.
        scaling: None.
        output_range: 'dot', or 'popcount' for (dot + in_units) / 2.
        prefix: as in Gluon.
        params: as in Gluon.

    All keyword-only arguments but the last two default to the current `Config`.

    Inputs:
        - **data**: float32 [batch, ...] with in_units values a sample; without ``flatten`` [..., in_units].

    Outputs:
        - **out**: float32 [batch, units]; without ``flatten`` [..., units].

    Raises:
        ValueError: if a value is not supported.
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
        params: Any = None,
    ) -> None:
        if units < 1:
            raise ValueError(f"QDense: units should be at least 1, found {units}.")
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
        self.weight.wd_mult = 0.0

    def _alias(self) -> str:
        # Parameters keep the names they have in the float net.
        return "dense"

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:  # noqa: N803
        """Multiply."""
        lower = self._native if current_lowering() == "native" else self._operator
        out = lower(F, x, weight, bias)
        return out if self.act is None else self.act(out)

    def _native(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: N803
        x, binary_weight = self._settings.quantize(F, x, weight)
        out = F.FullyConnected(
            x, binary_weight, num_hidden=self._units, no_bias=True, flatten=self._flatten, name="fwd"
        )
        out = self._settings.to_output_range(F, out, weight)
        return out if bias is None else F.broadcast_add(out, bias)

    def _operator(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: N803
        x, weight, attributes = self._settings.operator_arguments(F, x, weight)
        inputs = [x, weight] if bias is None else [x, weight, guard(F, bias)]
        return F.QFullyConnected(
            *inputs,
            name="fwd",
            num_hidden=self._units,
            no_bias=bias is None,
            flatten=self._flatten,
            **attributes,
        )

    def cast(self, dtype: Any) -> None:
        """Accept float32, refuse the rest with ValueError."""
        require_float32("QDense", dtype)
        super().cast(dtype)
