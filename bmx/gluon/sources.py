"""Nets by their sources: what a command line or a description of a training names a net with.

| source | net |
|---|---|
| ``NAME`` | a model of `bmx.gluon.model_zoo` |
| ``gluoncv:NAME`` | GluonCV's net of that name |
| ``binarized:NAME`` | the same, made binary by `bmx.gluon.binarize` |
| ``module:function`` | whatever the function returns; the working directory comes first on the path |
| ``NAME-symbol.json`` | a net that ``net.export`` saved; its argument ``params`` is the other file |
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import Any, Callable, Mapping

from mxnet import gluon

from bmx.gluon import model_zoo
from bmx.gluon.model_zoo.support.gluoncv_names import gluoncv_registry, register_in_gluoncv
from bmx.gluon.saved_net import load_saved_net

EXPECTED = (
    "expected the name of a zoo model, gluoncv:NAME, binarized:NAME, module:function or NAME-symbol.json"
)


class SourceError(ValueError):
    """A source names no net; the message says what there is."""


class ParametersError(ValueError):
    """A parameter file does not fit a net."""


def build_model(source: str, arguments: Mapping[str, Any] | None = None) -> gluon.HybridBlock:
    """Builds the net that a source names, not initialized unless it comes with parameters.

    Args:
        source: as in the table above.
        arguments: arguments of the constructor or the function; ``params`` for a saved net.

    Raises:
        SourceError: the source is not known, or a zoo's constructor refuses the arguments.
        ValueError: the files of a saved net are damaged.
    """
    arguments = dict(arguments or {})
    if is_saved_net(source):
        return _saved_net(source, **arguments)
    if is_function(source):
        return find_function(source)(**arguments)
    kind, _, name = source.rpartition(":")
    try:
        if kind == "gluoncv":
            return _of_gluoncv(name, arguments)
        if kind == "binarized":
            with register_in_gluoncv():
                return _of_gluoncv(source, arguments)
        return model_zoo.get_model(source, **arguments)
    except (TypeError, ValueError) as error:
        raise SourceError(str(error)) from None


def is_saved_net(source: str) -> bool:
    """Whether a source is the symbol of a saved net."""
    return source.endswith(".json")


def is_function(source: str) -> bool:
    """Whether a source is ``module:function``."""
    return ":" in source and not is_of_gluoncv(source) and not is_saved_net(source)


def is_of_gluoncv(source: str) -> bool:
    """Whether a source is ``gluoncv:NAME`` or ``binarized:NAME``."""
    return source.partition(":")[0] in ("gluoncv", "binarized") and ":" in source


def takes_classes(source: str) -> bool:
    """Whether the number of classes is an argument of the source: it is one of nets of zoos."""
    return not is_function(source) and not is_saved_net(source)


def find_function(source: str) -> Callable[..., Any]:
    """The function that ``module:function`` names, the working directory first on the path.

    Raises:
        SourceError: there is no such module or function. Errors inside the module come through.
    """
    module_name, _, name = source.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise SourceError(f"there is no module {error.name!r} here or installed; {EXPECTED}") from None
    function = getattr(module, name, None)
    if not callable(function):
        raise SourceError(f"module {module_name!r} has no function {name!r}; expected module:function")
    return function


def load_parameters(net: gluon.Block, path: str | os.PathLike, name: str = "this net") -> None:
    """Loads what ``save_parameters`` wrote.

    Args:
        net: the net.
        path: path of the file.
        name: name of the net in error messages.

    Raises:
        ParametersError: the file does not fit the net.
    """
    try:
        net.load_parameters(os.fspath(path))
    except (AssertionError, OSError, RuntimeError, ValueError) as error:
        raise ParametersError(
            f"{os.fspath(path)}: no parameters of {name} ({_reason(error)}); give a file that "
            "save_parameters wrote of a net of the same layers"
        ) from None


def _of_gluoncv(name: str, arguments: dict[str, Any]) -> gluon.HybridBlock:
    known = gluoncv_registry()
    if name.lower() not in known:
        close = difflib.get_close_matches(name.lower(), list(known), n=3)
        raise ValueError("GluonCV has no such net" + (f"; it has {', '.join(close)}" if close else ""))
    return known[name.lower()](**arguments)


def _saved_net(symbol: str, params: str | None = None) -> gluon.HybridBlock:
    if params is None:
        raise SourceError(
            f"a saved net is two files; give the .params file beside {symbol} with --params FILE"
        )
    if not os.path.isfile(symbol):
        raise SourceError(f"there is no file {symbol}")
    return load_saved_net(symbol, params)


def _reason(error: Exception) -> str:
    """The line of MXNet's message that says something: the last one of a traceback, else the first one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
