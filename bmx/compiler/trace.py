"""A Gluon net to the IR: the compiler's only module that knows MXNet."""

from __future__ import annotations

import json
import operator
from typing import Any, Sequence

import numpy as np

from bmx.compiler.ir import Graph, Input, ValueType
from bmx.compiler.symbol import UnsupportedError, import_symbol

_INPUT = "data"


def trace_net(
    net: Any, input_shape: Sequence[int], preprocessing: dict[str, Any] | None = None, name: str | None = None
) -> Graph:
    """Record what a net computes at inference.

    Args:
        net: an initialised HybridBlock with one input; its layers are recorded, not called on data.
        input_shape: (batch, channels, height, width) or (batch, features); the batch stays free.
        preprocessing: how an 8-bit image becomes the input, see docs/format.md.
        name: name of the graph; by default the net's.

    Returns:
        The graph, channels first, as MXNet has it.

    Raises:
        TypeError: the net is no HybridBlock.
        ValueError: the input shape is not one of the above, or parameters are missing, not float32 or not
            finite.
        UnsupportedError: some operators cannot be compiled; all are listed.
    """
    try:
        sample = tuple(operator.index(size) for size in input_shape[1:])
    except TypeError:
        sample = ()
    if len(sample) not in (1, 3) or min(sample) < 1:
        raise ValueError(
            "input_shape should be (batch, channels, height, width) or (batch, features), "
            f"found {input_shape!r}."
        )
    symbol = _symbol(net)
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    blocks = net.collect_params()
    parameters = {key: _array(blocks[key]) for key in names if key in blocks}
    value = Input(_INPUT, ValueType("f32", sample), preprocessing)
    return import_symbol(json.loads(symbol.tojson()), parameters, [value], name or net.name or "net")


def _symbol(net: Any) -> Any:
    import mxnet as mx

    from bmx.gluon import nn

    if not isinstance(net, mx.gluon.HybridBlock):
        raise TypeError(f"bmx compiles a HybridBlock of Gluon, found {type(net).__name__}.")
    try:
        with nn.lowering("operator"):
            outputs = net(mx.sym.var(_INPUT))
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
            "write its hybrid_forward with operators of F only, without shapes, arrays or NumPy."
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
