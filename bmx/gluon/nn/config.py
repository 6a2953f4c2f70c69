"""Defaults of the binary layers, and how to change them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Iterator

from bmx.gluon.nn.quantizers import Quantizer


class Default:
    """Type of `DEFAULT`."""

    def __repr__(self) -> str:
        """Text in signatures."""
        return "<from config>"


# Argument value "take it from the current config"; None is a value of its own for some arguments.
DEFAULT = Default()


@dataclass(frozen=True)
class Config:
    """Defaults of the binary layers, read when a layer is constructed.

    Attributes:
        bits: bits of a weight.
        input_bits: bits of an input value.
        weight_quantizer: quantizer of the weights: a registered name or a `Quantizer`.
        input_quantizer: quantizer of the inputs of QConv2D and QDense; None leaves them to a QActivation.
        activation_quantizer: quantizer of QActivation.
        clip: gradient canceling of quantizers given by name: the gradient of x passes where |x| <= clip;
            None lets it pass everywhere.
        scaling: scaling of the dot products; None for none.
        pad_value: padding of the quantized input of a convolution: 0, 1 or -1.
        output_range: 'dot' for dot products of K values of +-1, 'popcount' for (dot + K) / 2.
    """

    bits: int = 1
    input_bits: int = 1
    weight_quantizer: str | Quantizer = "det_sign"
    input_quantizer: str | Quantizer | None = "det_sign"
    activation_quantizer: str | Quantizer = "det_sign"
    clip: float | None = 1.0
    scaling: str | None = None
    pad_value: int = 0
    output_range: str = "dot"


class _State(threading.local):
    def __init__(self) -> None:
        self.config = Config()


_state = _State()


def current_config() -> Config:
    """The config of this thread."""
    return _state.config


@contextmanager
def defaults(**changes: Any) -> Iterator[Config]:
    """Change the config of this thread inside a ``with`` block; an exception restores it too.

    Args:
        **changes: new values of attributes of `Config`.

    Yields:
        The changed config.

    Raises:
        TypeError: if there is no such attribute.
    """
    names = [field.name for field in fields(Config)]
    unknown = sorted(set(changes) - set(names))
    if unknown:
        raise TypeError(
            f"bmx.gluon.nn.defaults: expected some of {', '.join(names)}; found {', '.join(unknown)}."
        )
    before = _state.config
    _state.config = replace(before, **changes)
    try:
        yield _state.config
    finally:
        _state.config = before


def or_config(value: Any, name: str) -> Any:
    """The argument as given, or the config's attribute ``name`` if it is `DEFAULT`."""
    return getattr(current_config(), name) if isinstance(value, Default) else value
