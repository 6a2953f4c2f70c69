"""Explicit quantization of activations."""

from __future__ import annotations

from typing import Any

from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.config import DEFAULT, Default, current_config, or_config
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers import Quantizer, get_quantizer
from bmx.gluon.nn.settings import operand, require_float32


class QActivation(HybridBlock):  # type: ignore[misc]
    """Quantizes its input; stands before a layer with ``input_quantizer=None``, as in BMXNet-v2.

    Args:
        quantizer: registered name or `Quantizer`; by default the config's ``activation_quantizer``.
        clip: gradient cancelling of a quantizer given by name, by default the config's ``clip``; None lets
            every gradient pass.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32, any shape.

    Outputs:
        - **out**: +1.0 or -1.0, shape of the input.

    Raises:
        ValueError: if the quantizer is not known.
    """

    def __init__(
        self,
        quantizer: str | Quantizer | Default = DEFAULT,
        *,
        clip: float | Default | None = DEFAULT,
        prefix: str | None = None,
        params: Any = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        clip = current_config().clip if isinstance(clip, Default) else clip
        self._quantizer = get_quantizer(or_config(quantizer, "activation_quantizer"), clip)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803
        """Quantize."""
        if current_lowering() == "native":
            return self._quantizer(F, x)
        x, method, clip = operand(F, x, self._quantizer)
        return x if method == "none" else F.QActivation(x, name="fwd", method=method, clip=clip)

    def cast(self, dtype: Any) -> None:
        """Accept float32, refuse the rest with ValueError."""
        require_float32("QActivation", dtype)
        super().cast(dtype)

    def __repr__(self) -> str:
        """For example ``QActivation(DetSign(clip=1.0))``."""
        return f"QActivation({self._quantizer})"
