"""SOURCE: the net that a command works on, in the words of `bmx.gluon.sources`."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from typing import Any, Callable

import click

KINDS = (
    "SOURCE is a name of 'bmx list models', gluoncv:NAME (GluonCV's net), binarized:NAME (GluonCV's net made "
    "binary), module:function (the function returns the net), or the NAME-symbol.json of a saved net."
)
TRAINED = "All but module:function need parameters, by --params."
UNTRAINED = "Only a saved net needs parameters, by --params; other nets may have random ones."


def source_argument(weights: str = TRAINED) -> Callable[[Callable], Callable]:
    """Adds the argument SOURCE, and to the command's help what it may be.

    Args:
        weights: `TRAINED` or `UNTRAINED`.
    """

    def add(function: Callable) -> Callable:
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{KINDS} {weights}"
        return click.argument("source")(function)

    return add


def params_option(function: Callable) -> Callable:
    """Adds `--params`."""
    text = "Parameters of the net: a file that save_parameters wrote, or for a saved net that of net.export."
    return click.option("--params", metavar="FILE", help=text)(function)


def load_net(source: str, params: str | None, classes: int | None = None) -> Any:
    """Builds the net that SOURCE names and loads its parameters.

    Args:
        source: as `bmx.gluon.sources.build_model`.
        params: path of a parameter file; only a function's net may come without.
        classes: number of classes for a zoo's net; its own default if None.

    Returns:
        A HybridBlock.

    Raises:
        click.UsageError: SOURCE names nothing, or there is no such file.
        ValueError: the parameters do not fit the net.
    """
    from bmx.gluon.sources import is_saved_net, load_parameters, takes_classes

    if params is None and takes_classes(source):
        raise click.UsageError(
            f"a zoo model starts with random weights; give those of {source!r} with --params FILE"
        )
    net = _build(source, params, classes)
    if params is not None and not is_saved_net(source):
        load_parameters(net, params, source)
    return net


def build_net(
    source: str, params: str | None, classes: int | None, input_shape: tuple[int, ...] | None
) -> tuple[Any, tuple[int, ...]]:
    """Builds the net that SOURCE names, with random weights unless it comes with others.

    Args:
        source: as `bmx.gluon.sources.build_model`.
        params: path of a parameter file; only a saved net needs it.
        classes: number of classes for a zoo's net; its own default if None.
        input_shape: shape of the input, batch axis first; needed for a net that is not of bmx's zoo.

    Returns:
        An initialized HybridBlock and the shape of its input.

    Raises:
        click.UsageError: SOURCE names nothing, the shape is missing, or there is no such file.
        ValueError: the parameters do not fit the net.
    """
    from bmx.gluon.parameters import ensure_initialized
    from bmx.gluon.sources import is_saved_net, load_parameters

    net = _build(source, params, classes)
    shape = _own_shape(source) if input_shape is None else input_shape
    ensure_initialized(net, shape)
    if params is not None and not is_saved_net(source):
        load_parameters(net, params, source)
    return net, shape


def find_function(source: str) -> Callable[..., Any]:
    """The function that SOURCE names.

    Raises:
        click.UsageError: SOURCE names none.
    """
    from bmx.gluon import sources

    if not sources.is_function(source):
        raise click.UsageError(f"SOURCE: expected module:function, found {source!r}")
    try:
        return sources.find_function(source)
    except sources.SourceError as error:
        raise click.UsageError(f"SOURCE: {error}") from None


def _build(source: str, params: str | None, classes: int | None) -> Any:
    from bmx.gluon import sources

    if params is not None and not os.path.isfile(params):
        raise click.UsageError(f"--params: there is no file {params}")
    arguments: dict[str, Any] = {}
    if sources.is_saved_net(source):
        arguments["params"] = params
    elif classes is not None and sources.takes_classes(source):
        arguments["classes"] = classes
    try:
        with contextlib.redirect_stdout(sys.stderr):  # binarize prints a report, functions what they like
            return sources.build_model(source, arguments)
    except sources.SourceError as error:
        is_of_zoo = ":" not in source and not sources.is_saved_net(source)
        own = "; for a net of your own give module:function" if is_of_zoo else ""
        raise click.UsageError(f"SOURCE: {error}{own}") from None


def _own_shape(source: str) -> tuple[int, ...]:
    from bmx.gluon import model_zoo
    from bmx.gluon.sources import is_saved_net

    if ":" in source or is_saved_net(source):
        raise click.UsageError(
            f"{source!r} is no zoo model; give the shape of its input with --input 1,3,224,224"
        )
    return (1, *model_zoo.input_shape(source))
