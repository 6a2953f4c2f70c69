"""Pass: max pool before an affine that is left on its own, which then has fewer elements to work on.

x * scale + shift, rounded once, is non-decreasing where scale >= 0, so it commutes with the maximum. An
affine behind a layer stays there: the layer does it while its sums are in the cache.
"""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, Node
from bmx.compiler.passes.support.swap import swap_everywhere

_LAYERS = {
    f"{kind}{layer}"
    for kind in ("", "binary_", "binary_weight_", "integer_")
    for layer in ("conv2d", "dense")
}


def pool_before_affine(graph: Graph) -> Graph:
    """max_pool2d(affine(x)) -> affine(max_pool2d(x)) where no scale is negative."""
    layers = {node.name for node in graph.nodes if node.op in _LAYERS}

    def commutes(above: Node, below: Node) -> bool:
        if below.op != "max_pool2d" or above.op != "affine" or above.inputs[0] in layers:
            return False
        return bool((above.constants["scale"] >= 0).all())

    return swap_everywhere(graph, commutes)
