"""Records what a Gluon net computes at inference, and imports the recording into the IR."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from bmx.compiler.frontend.importer import UnsupportedError, import_symbol
from bmx.compiler.frontend.inputs import InputShape, make_inputs
from bmx.compiler.frontend.normalize import normalize
from bmx.compiler.ir.graph import Graph, Input
from bmx.gluon import symbol_json


@dataclass(frozen=True)
class Recording:
    """What a net computes at inference, as MXNet writes it.

    Attributes:
        symbol: the symbol after all of `bmx.compiler.frontend.normalize.NORMALIZATIONS`.
        parameters: float32 arrays by name, all that the symbol reads; auxiliary states are among them.
        inputs: the variables that are not parameters, in the order of the net's arguments.
        name: name of the net.
    """

    symbol: dict[str, Any]
    parameters: dict[str, np.ndarray]
    inputs: list[Input]
    name: str


def trace_net(
    net: Any,
    input_shape: InputShape,
    preprocessing: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Graph:
    """The graph of a net before any pass, channels first; arguments and errors are those of `record`.

    Raises:
        UnsupportedError: some operators cannot be compiled; all are listed.
    """
    recording = record(net, input_shape, preprocessing, name)
    return import_symbol(recording.symbol, recording.parameters, recording.inputs, recording.name)


def record(
    net: Any,
    input_shape: InputShape,
    preprocessing: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Recording:
    """Record what a net computes at inference.

    Args:
        net: an initialized HybridBlock; its layers are recorded, not called on data. Or the two files of a
            saved net, see `as_net`.
        input_shape: (batch, channels, height, width) or (batch, features); the batch stays free. For
            several inputs a list of shapes in the order of the net's arguments, or shapes by name.
        preprocessing: from an 8-bit image to the input, see docs/format.md; by name for several inputs.
        name: name of the graph; by default the net's.

    Returns:
        The recording.

    Raises:
        TypeError: the net is not a HybridBlock.
        ValueError: the input shape is not one of the above; or parameters, or arrays computed from them
            alone, are missing, not float32 or not finite.
        UnsupportedError: the net cannot be recorded.
    """
    net = as_net(net)
    inputs = make_inputs(input_shape, preprocessing, _own_inputs(net))
    symbol = _symbol(net, [value.name for value in inputs])
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    blocks = net.collect_params()
    parameters = {key: _array(blocks[key]) for key in names if key in blocks}
    normalized, parameters = normalize(symbol_json.from_symbol(symbol), parameters)
    return Recording(normalized, parameters, inputs, name or net.name or "net")


def as_net(net: Any) -> Any:
    """The HybridBlock to compile: the net itself, or the one saved as a (symbol, params) pair of paths.

    Raises:
        TypeError: the net is neither.
        ValueError: the files do not make a net.
    """
    _prepare_mxnet()
    import mxnet as mx

    if (
        isinstance(net, (list, tuple))
        and len(net) == 2
        and all(isinstance(p, (str, os.PathLike)) for p in net)
    ):
        return load_saved_net(*net)
    if not isinstance(net, mx.gluon.HybridBlock):
        raise TypeError(
            f"bmx compiles a HybridBlock of Gluon, found {type(net).__name__}; a saved net is given as "
            "('net-symbol.json', 'net-0000.params')."
        )
    return net


def load_saved_net(symbol: str | os.PathLike, params: str | os.PathLike) -> Any:
    """The net that ``net.export`` saved; see `bmx.gluon.saved_net`."""
    from bmx.gluon import saved_net

    return saved_net.load_saved_net(symbol, params)


def _prepare_mxnet() -> None:
    """Make MXNet importable, and load the operators that symbols may name."""
    import bmx.gluon  # noqa: F401


def _own_inputs(net: Any) -> list[str] | None:
    """Names that a SymbolBlock gives to its inputs; None for other nets, which give none."""
    import mxnet as mx

    return [value.name for value in net._cached_graph[0]] if isinstance(net, mx.gluon.SymbolBlock) else None


def _symbol(net: Any, inputs: list[str]) -> Any:
    import mxnet as mx

    from bmx.gluon import nn

    try:
        with nn.lowering("inference"):
            outputs = net(*map(mx.sym.var, inputs))
    except (
        AttributeError,
        AssertionError,
        NotImplementedError,
        TypeError,
        ValueError,
        mx.MXNetError,
    ) as error:
        raise UnsupportedError(
            f"{type(net).__name__} {net.name!r} cannot be recorded as a graph "
            f"({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}); "
            "write its hybrid_forward with operators of F only, without shapes, arrays or NumPy, and give "
            "input_shape a shape for each of its inputs."
        ) from error
    return mx.sym.Group(outputs) if isinstance(outputs, (list, tuple)) else outputs


def _array(parameter: Any) -> np.ndarray:
    """The value of a parameter."""
    import mxnet as mx

    try:
        array: np.ndarray = parameter.list_data()[0].asnumpy()
    except mx.gluon.parameter.DeferredInitializationError:
        raise ValueError(
            f"the shape of parameter {parameter.name!r} is not known yet; call net(x) once, or give in_units "
            "and in_channels to the layers."
        ) from None
    except RuntimeError:
        raise ValueError(
            f"parameter {parameter.name!r} has no value; call net.initialize() or load trained parameters."
        ) from None
    if array.dtype != np.float32:
        raise ValueError(
            f"parameter {parameter.name!r} should be float32, found {array.dtype}; use net.cast."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"parameter {parameter.name!r} holds NaN or infinity; training has diverged.")
    return array
