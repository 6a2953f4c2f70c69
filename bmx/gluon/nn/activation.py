"""Explicit quantization of activations."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import ParameterDict
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.config import DEFAULT, Default, current_config, or_config
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.operands import is_plain, operand
from bmx.gluon.nn.quantizer_parameters import declare, learned_values, replace_input_quantizer
from bmx.gluon.nn.quantizers import Quantizer, get_quantizer
from bmx.gluon.nn.settings import require_float32
from bmx.gluon.tensor import Tensor


class QActivation(HybridBlock):
    """Quantizes its input, before a layer with ``input_quantizer=None`` as in BMXNet-v2.

    Args:
        quantizer: registered name or `Quantizer`; by default the config's ``activation_quantizer``.
        clip: gradient canceling of a quantizer given by name, by default the config's ``clip``; None lets
            every gradient pass.
        bits: bits of a code, for a quantizer given by name that has such an argument.
        in_channels: channels of the input (its second axis), for quantizers that learn a number for each.
        ndim: number of axes of the input, for the same quantizers.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32, any shape.

    Outputs:
        - **out**: the quantized input: +1.0 or -1.0, or the codes of the quantizer times their scale.

    Raises:
        ValueError: if the quantizer is unknown.
    """

    def __init__(
        self,
        quantizer: str | Quantizer | Default = DEFAULT,
        *,
        clip: float | Default | None = DEFAULT,
        bits: int | None = None,
        in_channels: int = 0,
        ndim: int = 4,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        clip = current_config().clip if isinstance(clip, Default) else clip
        self._quantizer = get_quantizer(or_config(quantizer, "activation_quantizer"), clip, bits)
        self._channels_shape = (1, -1, *(1,) * (ndim - 2))
        declare(self, "input", in_channels, "in_channels", self._quantizer)

    @property
    def quantizers(self) -> list[Quantizer]:
        """The quantizer of the input, alone."""
        return [self._quantizer]

    @property
    def input_quantizer(self) -> Quantizer:
        """The quantizer that is applied."""
        return self._quantizer

    def set_quantizers(self, *, input_quantizer: str | Quantizer | None = None) -> None:
        """Replace the quantizer, see `QuantizedLayer.set_quantizers`."""
        self._quantizer = replace_input_quantizer(self, input_quantizer)

    def hybrid_forward(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        """The quantized input."""
        quantizer = self._quantizer
        values = learned_values(F, quantizer, "input_", learned, self._channels_shape)
        if current_lowering() == "native" or not is_plain(quantizer):
            return quantizer(F, x, **values)
        x, method, clip = operand(F, x, quantizer, **values)
        return x if method == "none" else F.QActivation(x, name="fwd", method=method, clip=clip)

    def cast(self, dtype: Any) -> None:
        """Raise ValueError unless ``dtype`` is float32."""
        require_float32("QActivation", dtype)
        super().cast(dtype)

    def __repr__(self) -> str:
        """For example ``QActivation(DetSign(clip=1.0))``."""
        return f"QActivation({self._quantizer})"
