"""Pass: take the sign before max pooling; pooling bits is an OR.

The sign is non-decreasing, so it commutes with the maximum. Padding never wins on either side.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph
from bmx.compiler.passes.support.swap import swap_everywhere


def sign_through_max_pool(graph: Graph) -> Graph:
    """sign(max_pool2d(x)) -> max_pool2d(sign(x))."""
    return swap_everywhere(graph, lambda above, below: above.op == "max_pool2d" and below.op == "sign")
