"""Binary convolution layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from mxnet.gluon import ParameterDict, nn

from bmx.gluon.arguments import require
from bmx.gluon.nn.config import DEFAULT
from bmx.gluon.nn.layer import QuantizedLayer
from bmx.gluon.nn.settings import Settings
from bmx.gluon.tensor import Tensor


class QConv2D(QuantizedLayer, nn.Conv2D):
    """2-D convolution of a quantized input with quantized weights; both are binary by default.

    Takes every argument of ``gluon.nn.Conv2D`` under the same name and in the same position, so changing its
    class makes a layer binary. The latent weights are real; training updates them, without weight decay
    (``wd_mult`` is 0), which would pull them towards the jump of the sign.

    The output is the sum over (c, kh, kw) of sign(x) * sign(w), plus the bias, through the activation.
    Without these two it is an integer between -K and K, K = in_channels / groups * taps of the kernel.
    Inputs and weights of several bits or several terms are multiplied code by code, and the sums then by
    their scales; `QuantizedLayer` has the formula.

    Paper: Rastegari et al., XNOR-Net, arXiv:1603.05279 (binary convolution); Courbariaux et al.,
    arXiv:1602.02830 (training).

    Args:
        channels: number of output channels.
        kernel_size: size of the kernel, int or (height, width).
        strides: stride of the convolution, int or (height, width).
        padding: padding on both sides, int or (height, width).
        dilation: dilation of the kernel, int or (height, width).
        groups: number of groups of channels that are convolved separately.
        layout: layout of input and output, 'NCHW' only.
        activation: name of an activation applied to the output, as in ``gluon.nn.Activation``.
        use_bias: whether a bias is added to the output.
        weight_initializer: initializer of the latent weights.
        bias_initializer: initializer of the bias.
        in_channels: number of input channels; 0 leaves it to the first call.
        bits: bits of a weight: 1 to 8, or 32 for real ones. Where no weight quantizer is named, it
            chooses one: ``dorefa_weight``, ``identity``.
        input_bits: bits of an input value; likewise for the input quantizer: ``dorefa``, ``identity``.
        weight_quantizer: registered name or `Quantizer`.
        input_quantizer: registered name or `Quantizer`; None leaves the input to an explicit `QActivation`
            before this layer.
        scaling: None; 'channel' multiplies by alpha, each filter's mean magnitude; 'channel_detached' does
            so without a gradient of alpha; 'tensor' by that of all filters; 'xnor' by alpha and K, the
            mean magnitude of the inputs of each output position.
        pad_value: value that pads the quantized input: 0, 1 or -1; only 0 if it has several bits.
        output_range: 'dot', or 'popcount' for (dot + K) / 2; K counts taps in the padding too.
        prefix: as in Gluon.
        params: as in Gluon.

    All keyword-only arguments but the last two default to the current `Config`.

    Inputs:
        - **data**: float32 [batch, in_channels, height, width].

    Outputs:
        - **out**: float32 [batch, channels, out_height, out_width], sizes as ``gluon.nn.Conv2D``.

    Raises:
        ValueError: if an argument is not supported.
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
        params: ParameterDict | None = None,
    ) -> None:
        for name, value in (("channels", channels), ("groups", groups)):
            require("nn.QConv2D", name, value, value >= 1, "of at least 1")
        require("nn.QConv2D", "layout", layout, layout == "NCHW", "'NCHW'")
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
        fits = self._settings.scaling != "xnor" or all(d == 1 for d in np.ravel(dilation))
        require("nn.QConv2D", "dilation", dilation, fits, "1 with scaling='xnor'")
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
        self._settings.declare(self, in_channels, channels)
        self.weight.wd_mult = 0.0
        self.weight.binary = self._settings.weight_quantizer.kind == "signs"

    _channels_shape = (1, -1, 1, 1)
    _filters_shape = (-1, 1, 1, 1)

    def _dot(self, F: Any, x: Tensor, weight: Tensor, name: str) -> Tensor:
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
        return F.Convolution(x, weight, name=name, **geometry)

    def _operator(
        self,
        F: Any,
        inputs: list[Any],
        attributes: dict[str, Any],
        name: str = "fwd",
    ) -> Tensor:
        geometry = dict(self._kwargs, no_bias=len(inputs) == 2)
        return F.QConvolution(
            *inputs, name=name, pad_value=self._settings.pad_value, **attributes, **geometry
        )

    def _input_magnitude(self, F: Any, x: Tensor) -> Tensor:
        magnitude = F.mean(F.abs(x), axis=1, keepdims=True)
        window = {key: self._kwargs[key] for key in ("kernel", "stride", "pad")}
        return F.Pooling(magnitude, pool_type="avg", count_include_pad=True, **window)
