"""The net in the two files that ``net.export`` writes."""

from __future__ import annotations

import os
import warnings
from typing import Any, Callable

import mxnet as mx


def load_saved_net(symbol: str | os.PathLike, params: str | os.PathLike) -> mx.gluon.SymbolBlock:
    """The net that ``net.export`` saved.

    Args:
        symbol: path of ``NAME-symbol.json``.
        params: path of ``NAME-0000.params``; names with or without MXNet's ``arg:`` and ``aux:``.

    Returns:
        A SymbolBlock. Its inputs are the variables that have no value among the parameters, in the symbol's
        order and under their names.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not what it should be, or parameters are missing.
    """
    symbol, params = os.fspath(symbol), os.fspath(params)
    for path in (symbol, params):
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{path}: there is no such file")
    graph = _load(mx.sym.load, symbol, "symbol; give the NAME-symbol.json that net.export wrote")
    values = _read_values(params)
    variables = [name for name in graph.list_inputs() if name not in values]
    _require_parameters(graph, variables, symbol, params)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Cannot decide type", UserWarning)  # of the inputs
        net = mx.gluon.SymbolBlock(graph, [mx.sym.var(name) for name in variables])
    net.collect_params().load_dict(values, mx.cpu(), ignore_extra=True, cast_dtype=True, dtype_source="saved")
    return net


def _read_values(params: str) -> dict[str, mx.nd.NDArray]:
    """The arrays of a file by the names of the symbol's variables."""
    arrays = _load(mx.nd.load, params, "parameters; give the NAME-0000.params that net.export wrote")
    if not isinstance(arrays, dict):
        raise ValueError(
            f"{params}: the arrays have no names; give the NAME-0000.params that net.export wrote"
        )
    return {key[4:] if key.startswith(("arg:", "aux:")) else key: array for key, array in arrays.items()}


def _require_parameters(graph: mx.sym.Symbol, variables: list[str], symbol: str, params: str) -> None:
    """Raises ValueError if a variable without a value is a parameter: only those have a learning rate."""
    attributes = graph.attr_dict()
    missing = [name for name in variables if "__lr_mult__" in attributes.get(name, {})]
    if missing:
        raise ValueError(
            f"{params}: it lacks {len(missing)} parameters of {symbol}, {missing[0]!r} the first; "
            "give the two files of one net.export"
        )


def _load(load: Callable[[str], Any], path: str, expected: str) -> Any:
    try:
        return load(path)
    except (mx.MXNetError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: MXNet reads no {expected} ({_error_line(error)})") from None


def _error_line(error: Exception) -> str:
    """The line of MXNet's message that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if "Error" in line] or [str(error)]
    return lines[-1]
