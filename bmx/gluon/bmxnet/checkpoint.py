"""Checkpoints of BMXNet and BMXNet-v2 (Yang et al., arXiv:1705.09864), loaded into nets of bmx."""

from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

import mxnet as mx
from mxnet import gluon

from bmx.gluon.bmxnet.file import read_layers
from bmx.gluon.bmxnet.graph import TracedNet, trace
from bmx.gluon.bmxnet.layers import Layer, Values, layers_of, match
from bmx.gluon.bmxnet.ranges import RANGES, Affine, binary_output, carry_norm
from bmx.gluon.bmxnet.symbol import NormArguments, SymbolFile, beside
from bmx.gluon.nn.layer import QuantizedLayer

# Value of a version's padding: v2 pads with -1, v1 takes the sign of 0.
PAD_VALUES = {1: 1, 2: -1}


def load_bmxnet(
    net: gluon.HybridBlock,
    path: str | os.PathLike[str],
    version: int = 2,
    *,
    output_range: str = "popcount",
    epsilon: float | None = None,
    symbol: str | os.PathLike[str] | None = None,
    names: Mapping[str, str] | None = None,
    ctx: mx.Context | Sequence[mx.Context] | None = None,
) -> None:
    """Load a checkpoint of BMXNet into a net of bmx's layers, which then gives BMXNet's outputs.

    The file is one of Gluon's ``save_parameters``, or has the ``arg:`` and ``aux:`` names of ``export`` and
    of Module's checkpoints. Names that are equal to the net's decide what goes where; else the order does, in
    which layers are registered or called, and every shape has to fit.

    BMXNet's binary layers give counts of equal bits, p = (dot + K) / 2 with the taps in the padding counted
    in K, ours give dot = 2 p - K. The batch norm that reads such a value, through pooling, concatenation,
    slices or sums perhaps, gets statistics that make up for it: mean 2 mean - K, and variance
    4 (variance + epsilon) - epsilon, so that not even epsilon makes a difference. All of this is in the
    parameters: what `net.save_parameters` writes needs no further conversion. Layers that are built with
    ``output_range='popcount'`` give the counts themselves; their norms stay as they are. Scaled layers
    (``scaling='channel'``, ``'xnor'``) give scaled dot products in BMXNet-v2 as well.

    Args:
        net: a net of the same architecture, initialized or not, with one input. Convolutions that pad have
            ``pad_value=-1``, as BMXNet-v2's; for version 1 it is 1. `bmx.gluon.nn.defaults` gives it to all.
        path: path of the parameter file.
        version: 2 for BMXNet-v2 (Gluon), 1 for the first BMXNet (symbols with QConvolution).
        output_range: output of the checkpoint's unscaled binary layers: 'popcount'; 'dot' if they were built
            with ``no_offset=True``; 'half', dot / 2, what BMXNet-v2 computes where a net was hybridized
            before it ran once.
        epsilon: epsilon of the checkpoint's batch norms; by default that of the symbol file, else that of the
            net's norms.
        symbol: path of the checkpoint's symbol file; by default `NAME-symbol.json` beside `NAME-0000.params`,
            if there is one. It holds the norms' arguments and the layers' bits.
        names: which layer of the file goes into each layer of the net, such as {'features.0': 'conv0'}; only
            needed where the order does not tell.
        ctx: device or devices of parameters; by default those where the net is initialized, else the CPU.

    Raises:
        ValueError: an argument, the file or a layer of the net does not fit; the net stays as it was.
    """
    _check_arguments(version, output_range, epsilon)
    path = os.fspath(path)
    stored = read_layers(path)
    symbol_file = SymbolFile.read(symbol or beside(path))
    symbol_file.check(version, output_range)
    layers = layers_of(net)
    for layer in layers:
        _check_layer(layer, version)
    traced = trace(net)
    values = match(path, stored, layers, traced.order, names)
    _convert(traced, layers, values, output_range, symbol_file, epsilon)
    values.assign(ctx)


def _check_arguments(version: Any, output_range: Any, epsilon: Any) -> None:
    if version not in PAD_VALUES:
        raise ValueError(f"load_bmxnet: version is {version!r}; expected 1 or 2")
    if output_range not in RANGES:
        raise ValueError(
            f"load_bmxnet: output_range is {output_range!r}; expected one of {', '.join(RANGES)}"
        )
    if epsilon is not None and not epsilon >= 0:
        raise ValueError(f"load_bmxnet: epsilon is {epsilon!r}; expected a number that is not negative")


def _check_layer(layer: Layer, version: int) -> None:
    """Raise unless the layer computes what BMXNet's layers of one bit do, but for the output range."""
    block = layer.block
    if not isinstance(block, QuantizedLayer):
        return
    settings = block.settings
    if not settings.is_plain or not settings.takes_signs:
        raise ValueError(
            f"load_bmxnet: {layer.title} has {', '.join(map(repr, block.quantizers))}; checkpoints of BMXNet "
            "load into layers with inputs and weights of one bit, such as 'det_sign'"
        )
    if settings.scaling == "tensor":
        raise ValueError(
            f"load_bmxnet: {layer.title} has scaling='tensor', which BMXNet applies to counts; it cannot be "
            "loaded; BMXNet-v2's scaled layers are scaling='channel' and 'xnor'"
        )
    wanted = PAD_VALUES[version]
    if isinstance(block, gluon.nn.Conv2D) and any(block._kwargs["pad"]) and settings.pad_value != wanted:
        raise ValueError(
            f"load_bmxnet: {layer.title} pads with {settings.pad_value}, version {version} of BMXNet with "
            f"{wanted}; build the net inside 'with bmx.gluon.nn.defaults(pad_value={wanted}):'"
        )


def _convert(
    traced: TracedNet,
    layers: list[Layer],
    values: Values,
    output_range: str,
    symbol_file: SymbolFile,
    epsilon: float | None,
) -> None:
    """Change biases and norms where the checkpoint's ranges differ from the net's."""
    outputs: dict[str, Affine] = {}
    for layer in layers:
        if isinstance(layer.block, QuantizedLayer):
            output = binary_output(layer, layer.block, values.array(layer, "weight"), output_range)
            outputs[layer.name] = output
            if "bias" in layer.parameters:
                values.set(layer, "bias", values.array(layer, "bias") / output.scale)
    by_gamma = {layer.parameters["gamma"].name: layer for layer in layers if "gamma" in layer.parameters}

    def norm(gamma: str, own_epsilon: float, fixed: bool, x: Affine) -> int:
        layer = by_gamma[gamma]
        own = NormArguments(own_epsilon, fixed)
        stored = symbol_file.norm(values.stored_name(layer)) or own
        if epsilon is not None:
            stored = stored._replace(epsilon=epsilon)
        carry_norm(layer, values, x, stored, own)
        return int(values.array(layer, "gamma").size)

    traced.propagate(outputs, norm)
