"""Pass: take the sign before an image's outermost pixels are repeated around it, so that bits are."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes.support.swap import swap_everywhere


def sign_through_pad(graph: Graph) -> Graph:
    """sign(pad2d(x)) -> pad2d(sign(x)) where the padding is of pixels, not of zeros."""
    return swap_everywhere(graph, _commutes)


def _commutes(above: Node, below: Node) -> bool:
    return above.op == "pad2d" and above.attrs["edge"] and below.op == "sign"
