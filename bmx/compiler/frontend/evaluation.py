"""Runs MXNet on a symbol of parameters."""

from __future__ import annotations

import json
from typing import Mapping

import numpy as np

from bmx.compiler.frontend.importer import UnsupportedError
from bmx.gluon.symbol_json import SymbolJson


def evaluate_symbol(symbol: SymbolJson, parameters: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The values that a symbol returns.

    Args:
        symbol: a symbol whose variables are all among the parameters.
        parameters: arrays by name.

    Raises:
        UnsupportedError: MXNet refuses.
    """
    import mxnet as mx

    group = mx.sym.load_json(json.dumps(symbol))
    names = group.list_inputs()
    try:
        if names:
            # As a hybridized net runs; binding an executor would fuse MXNet's operators.
            values = mx.nd.CachedOp(group)(*(mx.nd.array(parameters[name]) for name in names))
        else:
            values = group.eval(ctx=mx.cpu())
        return [value.asnumpy() for value in (values if isinstance(values, list) else [values])]
    except mx.MXNetError as error:
        raise UnsupportedError(
            f"MXNet cannot evaluate what the net computes from its parameters alone ({_error_line(error)})."
        ) from None


def _error_line(error: Exception) -> str:
    """The line of MXNet's message that names the error."""
    lines = [line.strip() for line in str(error).splitlines() if "Error" in line] or [str(error)]
    return lines[-1]
