"""Pass: max pool before an activation or a cast, which then has fewer elements to work on.

A non-decreasing function commutes with the maximum.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.ir.ops import OPERATORS
from bmx.compiler.passes.support.swap import swap_everywhere


def pool_before_activation(graph: Graph) -> Graph:
    """max_pool2d(f(x)) -> f(max_pool2d(x)) for non-decreasing f."""
    return swap_everywhere(graph, _commutes)


def _commutes(above: Node, below: Node) -> bool:
    return below.op == "max_pool2d" and OPERATORS[above.op].is_non_decreasing(above)
