"""The net that a command works on: `module:function`, or parameters with a zoo model's name or a symbol."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click


def load_net(source: str, params: str | None, classes: int | None = None) -> Any:
    """Builds the net that SOURCE names and loads its parameters.

    Args:
        source: `module:function` (called without arguments), a name of `bmx list models`, or the
            NAME-symbol.json that `net.export` writes.
        params: a .params file, as `save_parameters` writes it, or for a symbol as `net.export` does; needed
            for a zoo model and a symbol.
        classes: number of classes for a zoo model; its own default if None.

    Returns:
        A HybridBlock.

    Raises:
        click.UsageError: if SOURCE names nothing.
        ValueError: if the parameters do not fit the net.
    """
    if params is not None and not os.path.isfile(params):
        raise click.UsageError(f"--params: there is no file {params}")
    if source.endswith(".json"):
        return _load_saved_net(source, params)
    if ":" in source:
        net = call_function(source)
    elif params is None:
        raise click.UsageError(
            f"a zoo model starts with random weights; give those of {source!r} with --params FILE"
        )
    else:
        net = _build_zoo_model(source, classes)
    if params is not None:
        _load_parameters(net, source, params)
    return net


def build_net(
    source: str, classes: int | None, input_shape: tuple[int, ...] | None
) -> tuple[Any, tuple[int, ...]]:
    """Builds the net that SOURCE names, with random weights unless its function gave it others.

    Args:
        source: `module:function`, or a name of `bmx list models`.
        classes: number of classes for a zoo model; its own default if None.
        input_shape: batch axis first; needed for a net that is no zoo model.

    Returns:
        An initialised HybridBlock and the shape of its input.

    Raises:
        click.UsageError: if SOURCE names nothing, or the shape is missing.
    """
    from bmx.gluon.parameters import ensure_initialised

    net = call_function(source) if ":" in source else _build_zoo_model(source, classes)
    if input_shape is None:
        input_shape = _own_shape(source)
    ensure_initialised(net, input_shape)
    return net, input_shape


def _own_shape(source: str) -> tuple[int, ...]:
    if ":" in source:
        raise click.UsageError(
            f"{source!r} is no zoo model; give the shape of its input with --input 1,3,224,224"
        )
    from bmx.gluon import model_zoo

    return (1, *model_zoo.input_shape(source))


def _load_saved_net(symbol: str, params: str | None) -> Any:
    if params is None:
        raise click.UsageError(
            f"a saved net is two files; give the .params file beside {symbol} with --params FILE"
        )
    if not os.path.isfile(symbol):
        raise click.UsageError(f"SOURCE: there is no file {symbol}")
    from bmx import compiler

    return compiler.load_saved_net(symbol, params)


def call_function(source: str, **arguments: Any) -> Any:
    """Imports `module:function`, the working directory first on the path, and calls it.

    Raises:
        click.UsageError: there is no such module or function.
    """
    module_name, _, function_name = source.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise click.UsageError(
            f"SOURCE {source!r}: there is no module {error.name!r} here or installed"
        ) from None
    function = getattr(module, function_name, None)
    if not callable(function):
        raise click.UsageError(f"SOURCE {source!r}: module {module_name!r} has no function {function_name!r}")
    return function(**arguments)


def _build_zoo_model(name: str, classes: int | None) -> Any:
    from bmx.gluon import model_zoo

    arguments: dict[str, Any] = {} if classes is None else {"classes": classes}
    try:
        return model_zoo.get_model(name, **arguments)
    except ValueError as error:
        raise click.UsageError(f"SOURCE: {error}; for a net of your own give module:function") from None


def _load_parameters(net: Any, source: str, params: str) -> None:
    try:
        net.load_parameters(params)
    except (
        AssertionError,
        RuntimeError,
        ValueError,
    ) as error:  # what MXNet raises when names or shapes differ
        raise ValueError(
            f"{params}: no parameters of {source} ({_reason(error)}); give a file that save_parameters wrote"
        ) from None


def _reason(error: Exception) -> str:
    """The line of MXNet's message that says something: the last one of a traceback, else the first one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
