"""Quantizers by name."""

from __future__ import annotations

import difflib
from typing import Callable, Type, TypeVar

from bmx.gluon.nn.quantizers.base import Quantizer, arguments_of

_registry: dict[str, type[Quantizer]] = {}

QuantizerClass = TypeVar("QuantizerClass", bound=Type[Quantizer])


def register(*names: str) -> Callable[[QuantizerClass], QuantizerClass]:
    """Class decorator that registers a quantizer under one or more names."""

    def add(cls: QuantizerClass) -> QuantizerClass:
        for name in names:
            _registry[name] = cls
        return cls

    return add


def list_quantizers() -> list[str]:
    """Names of the registered quantizers, aliases included."""
    return sorted(_registry)


def quantizer_class(name: str) -> type[Quantizer]:
    """The class that is registered under a name.

    Raises:
        ValueError: no quantizer has this name.
    """
    if name not in _registry:
        close = difflib.get_close_matches(str(name), _registry, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise ValueError(
            f"bmx.gluon.nn: expected a Quantizer or one of {', '.join(list_quantizers())}, "
            f"found {name!r}{hint}"
        )
    return _registry[name]


def get_quantizer(quantizer: str | Quantizer, clip: float | None = 1.0, bits: int | None = None) -> Quantizer:
    """A quantizer from its name.

    Args:
        quantizer: registered name, or a quantizer, which is returned.
        clip: gradient canceling threshold of a quantizer that is given by name and has such an argument.
        bits: bits of a code of a quantizer that is given by name and has such an argument; None for its
            default.

    Raises:
        ValueError: no quantizer has this name.
    """
    if isinstance(quantizer, Quantizer):
        return quantizer
    cls = quantizer_class(quantizer)
    given = {"clip": clip} if bits is None else {"clip": clip, "bits": bits}
    accepted = arguments_of(cls)
    return cls(**{name: value for name, value in given.items() if name in accepted})
