"""Counts a net's weights and multiply-accumulates the way the literature's tables do.

Layers are found in the compiled graph, never by names. There are two conventions of counting:

``hpi`` (BMXNet, BinaryDenseNet, MeliusNet): batch norms have two parameters a channel; multiply-accumulates
are those of convolutions only.

``larq`` (Larq Zoo): batch norms have four, as Keras counts weights, or less without gamma or beta; dense
layers are counted too.

Either way ops = float MACs + binary MACs / 64; a product of i-bit with j-bit numbers is i * j binary ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Iterator

import numpy as np

from bmx.compiler.frontend.inputs import InputShape
from bmx.compiler.frontend.trace import as_net, trace_net
from bmx.compiler.ir.graph import Graph, Node, ValueType
from bmx.compiler.ir.planes import planes_of
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.pipeline import PASSES, run_passes

CONVENTIONS = ("hpi", "larq")
_CONVOLUTIONS = ("conv2d", "binary_conv2d", "integer_conv2d", "binary_weight_conv2d")
_DENSE = ("dense", "binary_dense", "integer_dense", "binary_weight_dense")
_FLOAT_BITS = 32


@dataclass(frozen=True)
class Row:
    """A layer that multiplies.

    Attributes:
        name: name of the layer.
        operator: operator of the compiled graph.
        shape: shape of one sample's output, channels first.
        weights: number of weights; 0 if they are those of a layer before it, as where an input has several
            terms.
        weight_bits: bits of a weight.
        input_bits: bits of an input value.
        macs: multiply-accumulates for one sample.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    weights: int
    weight_bits: int
    input_bits: int
    macs: int

    @property
    def is_float(self) -> bool:
        """Whether it multiplies with real numbers: with real inputs even binary weights are."""
        return _FLOAT_BITS in (self.weight_bits, self.input_bits)

    @property
    def binary_macs(self) -> int:
        """Products of bits; 0 for a float layer."""
        return 0 if self.is_float else self.macs * self.weight_bits * self.input_bits

    @property
    def size_bytes(self) -> float:
        """Bytes of the weights, each at its bits."""
        return self.weights * self.weight_bits / 8


@dataclass(frozen=True)
class Summary:
    """Parameters of a net, and what it computes for one sample.

    Attributes:
        layers: the layers that multiply, in the order of the graph.
        convention: convention of counting.
        params: number of all parameters.
        binary_params: number of quantized weights.
        float_params: number of all other parameters.
        size_bytes: bytes of all parameters, quantized weights at their bits.
        float_macs: multiply-accumulates of real numbers.
        binary_macs: multiply-accumulates of bits.
        ops: float_macs + binary_macs / 64.
    """

    layers: list[Row]
    convention: str
    params: int
    binary_params: int
    float_params: int
    size_bytes: int
    float_macs: int
    binary_macs: int
    ops: float

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values, ready for JSON; ``layers`` are among them."""
        return asdict(self)


def summary(net: Any, input_shape: InputShape, convention: str = "hpi") -> Summary:
    """Count the parameters of a net and what it computes.

    Args:
        net: an initialized HybridBlock.
        input_shape: shape of the input, batch axis first, see `bmx.export`.
        convention: 'hpi' or 'larq'.

    Returns:
        The counts.

    Raises:
        ValueError: the convention is not known, or the net or the shape cannot be used.
        bmx.compiler.UnsupportedError: the net holds operators that cannot be compiled; all are listed.
    """
    if convention not in CONVENTIONS:
        raise ValueError(
            f"bmx.summary: expected one of {', '.join(map(repr, CONVENTIONS))}, found {convention!r}."
        )
    net = as_net(net)
    # Batch norms may stay: which operators multiply is settled before they are folded.
    graph = run_passes(trace_net(net, input_shape), PASSES[: PASSES.index("batch_norm_to_affine")])
    rows = list(_rows(graph))
    counted = [row for row in rows if convention == "larq" or row.operator in _CONVOLUTIONS]
    quantized = [row for row in rows if row.weight_bits < _FLOAT_BITS]
    binary = sum(row.weights for row in quantized)
    real = _float_parameters(net, convention, binary)
    binary_macs = sum(row.binary_macs for row in counted)
    float_macs = sum(row.macs for row in counted if row.is_float)
    return Summary(
        layers=rows,
        convention=convention,
        params=real + binary,
        binary_params=binary,
        float_params=real,
        size_bytes=round(4 * real + sum(row.size_bytes for row in quantized)),
        float_macs=float_macs,
        binary_macs=binary_macs,
        ops=float_macs + binary_macs / 64,
    )


def _float_parameters(net: Any, convention: str, quantized: int) -> int:
    """Parameters that are not quantized weights, counted by a convention."""
    from bmx.gluon.parameters import count_parameters

    counts = count_parameters(net)
    # A saved net does not say which of its parameters are latent: those that are packed.
    real = counts.real if counts.latent else counts.real - quantized
    further = 2 * counts.batch_norm_channels - counts.batch_norm_fixed if convention == "larq" else 0
    return real + further


def _rows(graph: Graph) -> Iterator[Row]:
    types = verify(graph)
    producers = graph.producers()
    seen: set[tuple[int, bytes]] = set()
    for node in graph.nodes:
        if node.op not in _CONVOLUTIONS + _DENSE or _is_sum(node.constants["weight"]):
            continue
        weight, shape = node.constants["weight"], types[node.name].shape
        positions = int(np.prod(shape[1:])) if node.op in _CONVOLUTIONS else 1
        # The layers of several terms share their weights, and so does the packed file.
        content = (weight.shape[0], hashlib.sha256(weight.tobytes()).digest())
        yield Row(
            name=node.name,
            operator=node.op,
            shape=shape,
            weights=0 if content in seen else int(weight.size),
            weight_bits=_weight_bits(node),
            input_bits=_input_bits(producers, types, node.inputs[0]),
            macs=int(weight.size) * positions,
        )
        seen.add(content)


def _is_sum(weight: np.ndarray) -> bool:
    """A sum or a mean over channels is compiled to a layer of one output whose weights are all the same."""
    return weight.shape[0] == 1 and weight.size > 1 and bool(np.all(weight == weight.flat[0]))


def _weight_bits(node: Node) -> int:
    if node.op.startswith("binary"):
        return 1
    if node.op.startswith("integer"):
        planes = planes_of(node.constants["weight"])
        assert planes is not None  # the graph is verified
        return planes.bits
    return _FLOAT_BITS


def _input_bits(producers: dict[str, Node], types: dict[str, ValueType], value: str) -> int:
    dtype = types[value].dtype
    return {"f32": _FLOAT_BITS, "bits": 1}.get(dtype) or int(dtype[1:])
