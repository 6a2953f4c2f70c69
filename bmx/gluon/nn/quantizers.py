"""Quantizers: what binarizes weights and activations, and how gradients pass through it."""

from __future__ import annotations

import difflib
from typing import Any, Callable, Type, TypeVar

import numpy as np

_FLOAT32_MAX = float(np.finfo(np.float32).max)

_registry: dict[str, type[Quantizer]] = {}


class Quantizer:
    """Maps real values to +-1, element by element; the base class of all quantizers.

    To add a quantizer, derive from this class, write ``__call__`` with MXNet's own operators, give the class
    a docstring with its forward formula, its backward formula and its paper, and decorate it with `register`.
    Its constructor takes ``clip`` and, if it likes, further arguments with defaults.

    Attributes:
        clip: the gradient of x passes where |x| <= clip; None lets it pass everywhere.
        method: name of the same quantizer inside the C++ operators, None if they lack it. The operator
            lowering then quantizes with ``__call__`` and hands +-1 to the C++ operator.
    """

    method: str | None = None

    def __init__(self, clip: float | None = 1.0) -> None:
        if clip is not None and not clip >= 0:
            raise ValueError(
                f"bmx.gluon.nn.{type(self).__name__}: expected clip >= 0 or None, found {clip!r}."
            )
        self.clip = clip

    def __call__(self, F: Any, x: Any) -> Any:  # noqa: N803
        """Quantize.

        Args:
            F: ``mx.nd`` or ``mx.sym``.
            x: array or symbol of any shape, float32.

        Returns:
            Exactly +1.0 or -1.0 for each value of ``x``.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        """For example ``DetSign(clip=1.0)``."""
        return f"{type(self).__name__}(clip={self.clip})"


QuantizerClass = TypeVar("QuantizerClass", bound=Type[Quantizer])


def register(*names: str) -> Callable[[QuantizerClass], QuantizerClass]:
    """Class decorator that makes a quantizer known under one or more names."""

    def add(cls: QuantizerClass) -> QuantizerClass:
        for name in names:
            _registry[name] = cls
        return cls

    return add


def list_quantizers() -> list[str]:
    """Names of the registered quantizers, aliases included."""
    return sorted(_registry)


def get_quantizer(quantizer: str | Quantizer, clip: float | None = 1.0) -> Quantizer:
    """A quantizer from its name.

    Args:
        quantizer: registered name, or a quantizer, which is returned as it is.
        clip: gradient cancelling of a quantizer that is given by name.

    Raises:
        ValueError: if no quantizer has this name.
    """
    if isinstance(quantizer, Quantizer):
        return quantizer
    if quantizer not in _registry:
        close = difflib.get_close_matches(str(quantizer), _registry, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise ValueError(
            f"bmx.gluon.nn: expected a Quantizer or one of {', '.join(list_quantizers())}, "
            f"found {quantizer!r}{hint}"
        )
    return _registry[quantizer](clip=clip)


@register("det_sign", "ste_sign")
class DetSign(Quantizer):
    r"""Deterministic sign with the clipped straight-through estimator.

    Forward::

        q(x) = -1 if x < 0 else +1          (0, -0.0 and NaN give +1)

    Backward, with loss C::

        dC/dx = dC/dq if |x| <= clip else 0

    NaN and infinities get no gradient, with ``clip=None`` either.

    Paper: Courbariaux et al., Binarized Neural Networks, arXiv:1602.02830, equations 1 and 4.

    Args:
        clip: gradient cancelling threshold; None is the identity estimator.
    """

    method = "det_sign"

    def __call__(self, F: Any, x: Any) -> Any:  # noqa: N803
        """See `Quantizer`."""
        passing = F.abs(x) <= (_FLOAT32_MAX if self.clip is None else self.clip)
        # `finite` carries the gradient. It is never infinite or NaN, so finite - finite is exactly 0 and the
        # sum is exactly +-1.
        finite = F.where(passing, x, F.zeros_like(x))
        return F.BlockGrad(1 - 2 * (x < 0)) + (finite - F.BlockGrad(finite))
