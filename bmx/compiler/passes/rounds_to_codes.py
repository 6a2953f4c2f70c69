"""Pass: rounded numbers that are known to lie between 0 and 255 are codes, cast back to real numbers.

The range is that of the monotone operators above the round, usually a `clip`:

    round(clip(y, 0, 2^k - 1)) -> cast(code(y))

Later passes let integer layers read the codes, and find the code's thresholds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bmx.compiler.ir.graph import Graph, GraphError, Node, Origin, ValueType
from bmx.compiler.ir.numerics import round_half_away
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.ir.ops.base import channel_axis
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes import compiler_pass
from bmx.compiler.passes.support.steps import FINITE, monotone_chain

_LARGEST_CODE = 255


@compiler_pass
def rounds_to_codes(graph: Graph) -> Graph:
    """Replace every `round` by a `code` and a `cast`."""
    types = verify(graph)
    graph = graph.copy()
    for node in [node for node in graph.nodes if node.op == "round"]:
        _replace(graph, node, types)
    return graph


def _replace(graph: Graph, node: Node, types: dict[str, ValueType]) -> None:
    bits = _bits(graph, node, types)
    x = _before_clip(graph, node, 2**bits - 1)
    code = Node(graph.unique_name(f"{node.name}_codes"), "code", (x,), {"bits": bits})
    graph.replace_node(node.name, code, Node(node.name, "cast", (code.name,)))
    graph.set_origin(code.name, _origin(graph, node, x, 2**bits - 1))
    # A clip that nothing reads would keep later passes from moving the code.
    if x != node.inputs[0] and not graph.uses(node.inputs[0]):
        graph.replace_node(node.inputs[0])


def _bits(graph: Graph, node: Node, types: dict[str, ValueType]) -> int:
    """Bits of the largest code that the operators above a round let through."""
    chain = [link for link in monotone_chain(graph.producers(), node) if link.op != "cast"]
    channels = types[node.inputs[0]].shape[channel_axis(graph.layout)]
    x = np.repeat(np.array([[FINITE.min], [FINITE.max]], dtype=np.float32), channels, axis=1)
    for link in chain:
        x = np.clip(OPERATORS[link.op].evaluate(link, x, graph.layout), FINITE.min, FINITE.max)
    low, high = round_half_away(x).min(), round_half_away(x).max()
    if not (low >= 0 and high <= _LARGEST_CODE):
        raise GraphError(
            f"node {node.name!r}: rounded numbers should be codes from 0 to at most {_LARGEST_CODE}, found "
            f"{low:g} to {high:g}; clip them first: F.round(F.clip(y, 0, 2**bits - 1))."
        )
    return max(1, int(high).bit_length())


def _before_clip(graph: Graph, node: Node, largest: int) -> str:
    """The value that a code reads: it clips by itself."""
    clip = graph.producers().get(node.inputs[0])
    if clip and clip.op == "clip" and (clip.constants["low"][0], clip.constants["high"][0]) == (0, largest):
        return clip.inputs[0]
    return node.inputs[0]


def _origin(graph: Graph, node: Node, x: str, largest: int) -> Origin | None:
    """The code of the number that is rounded, if that is known."""
    origin = graph.origins.get(x)
    if origin is None or origin.sign or origin.code:
        return graph.origins.get(node.name)
    return replace(origin, code=largest)
