"""The layers that become binary, and what they become."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from mxnet.gluon import nn

from bmx.gluon.dataflow import Graph
from bmx.gluon.nn import DetSign, QConv2D, QDense
from bmx.gluon.tensor import Tensor

BINARY = (QConv2D, QDense)
# What export_float makes of them.
FLOAT_CLASSES = {QConv2D: nn.Conv2D, QDense: nn.Dense}


def reasons_to_stay_float(
    blocks: list[Any],
    names: dict[Any, str],
    layers: list[int],
    graph: Graph | None,
    keep: Callable[[str, Any], bool] | None,
    projections: set[int],
) -> dict[int, str]:
    """Why layers stay float, by their numbers.

    Args:
        blocks: all blocks of the net.
        names: places of the blocks.
        layers: numbers of the layers with weights.
        graph: graph of the net, if it could be traced.
        keep: which layers stay float, as for `binarize`.
        projections: numbers of the layers in shortcuts of residual blocks that are to stay real.
    """
    reasons = {}
    first, last = _ends(layers, graph)
    for i in layers:
        block = blocks[i]
        reason = _unsupported(block)
        if isinstance(block, BINARY):
            continue
        if reason:
            reasons[i] = reason
        elif keep is not None:
            if keep(names[block], block):
                reasons[i] = "kept float by keep"
        elif i in first or i in last:
            reasons[i] = "first layer" if i in first else "last layer"
        elif i in projections:
            reasons[i] = "the shortcut of a residual block, which stays real as in Bi-Real Net"
        elif graph is not None and not graph.of_block(i):
            reasons[i] = "the forward pass does not use it"
    return reasons


def takes_signs(layer: Any) -> bool:
    """Whether a layer is binary and quantizes its input."""
    return isinstance(layer, BINARY) and layer.input_quantizer is not None


def _unsupported(layer: Any) -> str:
    """Why a layer has no binary counterpart; empty if it has."""
    if type(layer) not in (nn.Conv2D, nn.Dense):
        return f"there is no binary {type(layer).__name__}"
    if np.dtype(layer.weight.dtype) != np.float32:
        return f"dtype {np.dtype(layer.weight.dtype).name}, binary layers train in float32"
    if type(layer) is nn.Conv2D and layer._kwargs["layout"] != "NCHW":
        return f"layout {layer._kwargs['layout']}, binary layers need NCHW"
    return ""


def _ends(layers: list[int], graph: Graph | None) -> tuple[set[int], set[int]]:
    if graph is None:
        return set(layers[:1]), set(layers[-1:])
    before, after = [False] * len(graph.nodes), [False] * len(graph.nodes)
    for n, node in enumerate(graph.nodes):
        before[n] = any(before[m] or graph.nodes[m].weighted for m in node.inputs)
    for n in reversed(range(len(graph.nodes))):
        after[n] = any(after[m] or graph.nodes[m].weighted for m in graph.consumers[n])
    weighted = [(n, node.block) for n, node in enumerate(graph.nodes) if node.weighted]
    return {i for n, i in weighted if not before[n]}, {i for n, i in weighted if not after[n]}


def binary_twin(layer: Any) -> Any:
    """A binary layer with the arguments of a float one and the settings of the current config.

    Raises:
        ValueError: if its quantizers bring parameters.
    """
    # The constructor checks the arguments and reads the config.
    if type(layer) is nn.Dense:
        twin: Any = QDense(
            layer._units, flatten=layer._flatten, use_bias=layer.bias is not None, prefix=layer.prefix
        )
    else:
        arguments = layer._kwargs
        twin = QConv2D(
            arguments["num_filter"],
            arguments["kernel"],
            arguments["stride"],
            arguments["pad"],
            arguments["dilate"],
            arguments["num_group"],
            arguments["layout"],
            use_bias=layer.bias is not None,
            prefix=layer.prefix,
        )
    for quantizer in twin.quantizers:
        if quantizer.learned:
            raise ValueError(
                "bmx.gluon.binarize: expected quantizers without parameters, which existing layers cannot "
                f"take, found {quantizer!r}; choose another quantizer in bmx.gluon.nn.defaults, or build the "
                "net of binary layers."
            )
    return twin


def quantize_above_zero(layer: Any) -> bool:
    """Let a binary layer tell what a ReLU cut off from what it let through.

    Returns:
        Whether the layer was changed; quantizers other than `DetSign` stay.
    """
    quantizer = layer.input_quantizer
    if type(quantizer) is not DetSign:
        return False
    layer.set_quantizers(input_quantizer=SignAboveZero(quantizer.clip))
    return True


class SignAboveZero(DetSign):
    """Sign for values that are never negative: what a ReLU lets through is +1, what it cuts off is -1.

    Forward, with t = 2**-100::

        q(x) = sign(x - t)

    which is the sign of the ReLU's input. Backward, as `DetSign`::

        dC/dx = dC/dq if |x - t| <= clip else 0

    Args:
        clip: gradient canceling threshold; None is the identity estimator.
    """

    method = None

    def latent(self, F: Any, x: Tensor, **learned: Tensor) -> Tensor:
        return x - 2.0**-100
