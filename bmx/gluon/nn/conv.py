"""Binary convolution layers."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import nn

from bmx.gluon.nn.config import DEFAULT
from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.settings import Settings, require_float32


class QConv2D(nn.Conv2D):  # type: ignore[misc]
    """2-D convolution of a binarized input with binarized weights.

    Takes every argument of ``gluon.nn.Conv2D`` under the same name and in the same position, so a layer is
    made binary by changing its class. The latent weights are real, take part in training and are exempt from
    weight decay (``wd_mult`` is 0): decay would pull them towards the sign's jump.

    The output is the sum over (c, kh, kw) of sign(x) * sign(w), plus the bias, through the activation.
    Without the two it is an integer between -K and K, K = in_channels / groups * taps of the kernel.

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279 (binary convolution); Courbariaux et al.,
    arXiv:1602.02830 (training).

    Args:
        channels: output channels.
        kernel_size: int or (height, width).
        strides: int or (height, width).
        padding: int or (height, width), on both sides.
        dilation: int or (height, width).
        groups: groups of channels that are convolved separately.
        layout: 'NCHW'.
        activation: name of an activation applied to the output, as in ``gluon.nn.Activation``.
        use_bias: whether a bias is added to the output.
        weight_initializer: of the latent weights.
        bias_initializer: of the bias.
        in_channels: input channels; 0 leaves them to the first call.
        bits: bits of a weight: 1.
        input_bits: bits of an input value: 1.
        weight_quantizer: registered name or `Quantizer`.
        input_quantizer: likewise; None leaves the input to an explicit `QActivation` before this layer.
        scaling: None.
        pad_value: what pads the quantized input: 0, 1 or -1.
        output_range: 'dot', or 'popcount' for (dot + K) / 2, taps in the padding counted in K.
        prefix: as in Gluon.
        params: as in Gluon.

    All keyword-only arguments but the last two default to the current `Config`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, out_height, out_width], sizes as ``gluon.nn.Conv2D``.

    Raises:
        ValueError: if a value is not supported.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = (0, 0),
        dilation: Any = (1, 1),
        groups: int = 1,
        layout: str = "NCHW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        *,
        bits: Any = DEFAULT,
        input_bits: Any = DEFAULT,
        weight_quantizer: Any = DEFAULT,
        input_quantizer: Any = DEFAULT,
        scaling: Any = DEFAULT,
        pad_value: Any = DEFAULT,
        output_range: Any = DEFAULT,
        prefix: str | None = None,
        params: Any = None,
    ) -> None:
        for name, value in (("channels", channels), ("groups", groups)):
            if value < 1:
                raise ValueError(f"QConv2D: {name} should be at least 1, found {value}.")
        if layout != "NCHW":
            raise ValueError(f"QConv2D: layout {layout!r} is not supported; supported: 'NCHW'.")
        self._settings = Settings.resolve(
            "QConv2D",
            bits=bits,
            input_bits=input_bits,
            weight_quantizer=weight_quantizer,
            input_quantizer=input_quantizer,
            scaling=scaling,
            output_range=output_range,
            pad_value=pad_value,
        )
        super().__init__(
            channels,
            kernel_size,
            strides,
            padding,
            dilation,
            groups,
            layout,
            activation,
            use_bias,
            weight_initializer,
            bias_initializer,
            in_channels,
            prefix=prefix,
            params=params,
        )
        self.weight.wd_mult = 0.0

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:  # noqa: N803
        """Convolve."""
        lower = self._native if current_lowering() == "native" else self._operator
        out = lower(F, x, weight, bias)
        return out if self.act is None else self.act(out)

    def _native(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: N803
        x, binary_weight = self._settings.quantize(F, x, weight)
        geometry = dict(self._kwargs, no_bias=True)
        if self._settings.pad_value != 0:
            height, width = geometry["pad"]
            x = F.pad(
                x,
                mode="constant",
                pad_width=(0, 0, 0, 0, height, height, width, width),
                constant_value=self._settings.pad_value,
            )
            geometry["pad"] = (0, 0)
        out = F.Convolution(x, binary_weight, name="fwd", **geometry)
        out = self._settings.to_output_range(F, out, weight)
        # Added last and not inside Convolution, so that it is rounded once, as in the operator.
        return out if bias is None else F.broadcast_add(out, F.reshape(bias, shape=(1, -1, 1, 1)))

    def _operator(self, F: Any, x: Any, weight: Any, bias: Any) -> Any:  # noqa: N803
        x, weight, attributes = self._settings.operator_arguments(F, x, weight)
        inputs = [x, weight] if bias is None else [x, weight, guard(F, bias)]
        return F.QConvolution(
            *inputs, name="fwd", pad_value=self._settings.pad_value, **attributes, **self._kwargs
        )

    def cast(self, dtype: Any) -> None:
        """Accept float32, refuse the rest with ValueError."""
        require_float32("QConv2D", dtype)
        super().cast(dtype)
