"""Pass: take the sign before flattening, so that the bits are made where the numbers are."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes.support.swap import swap_everywhere


def sign_through_flatten(graph: Graph) -> Graph:
    """sign(flatten(x)) -> flatten(sign(x))."""
    return swap_everywhere(graph, lambda above, below: above.op == "flatten" and below.op == "sign")
