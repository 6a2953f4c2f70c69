"""How quantized values reach bmx's C++ operators: by the name of a quantizer, or as codes."""

from __future__ import annotations

import math
from typing import Any

from bmx.gluon.nn.guard import guard
from bmx.gluon.nn.lowerings import current_lowering
from bmx.gluon.nn.quantizers import Quantizer, SignQuantizer
from bmx.gluon.tensor import Tensor


def operand(F: Any, x: Tensor, quantizer: Quantizer | None, **learned: Tensor) -> tuple[Any, str, float]:
    """What a C++ operator of signs is given for ``x``.

    Returns:
        The operator's input, the operator's name of the quantizer ('none' if the input is signs already), and
        the quantizer's clip.
    """
    if quantizer is None:
        return guard(F, x), "none", math.inf
    if current_lowering() == "inference" and isinstance(quantizer, SignQuantizer):
        return guard(F, quantizer.latent(F, x, **learned)), "det_sign", math.inf
    if quantizer.method is None:
        return guard(F, quantizer.codes(F, x, **learned)), "none", math.inf
    clip = getattr(quantizer, "clip", None)
    return guard(F, x), quantizer.method, math.inf if clip is None else clip


def gives_signs(quantizer: Quantizer) -> bool:
    """Whether codes are -1 and +1 in the current lowering; those of soft quantizers may lie in between."""
    return quantizer.kind == "signs" and (not quantizer.soft or current_lowering() == "inference")


def is_plain(quantizer: Quantizer) -> bool:
    """Whether a quantized array is signs, and nothing else."""
    return gives_signs(quantizer) and not quantizer.has_scales
