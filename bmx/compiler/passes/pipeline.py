"""The passes of the compiler, in order."""

from __future__ import annotations

from typing import Sequence

from bmx.compiler import passes
from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.verifier import verify
from bmx.discovery import import_modules

PASSES = (
    "remove_identity",
    "reshapes_to_shuffles",
    "merge_reshapes",
    "pads_into_convolutions",
    # Signs and codes move up to the numbers that they belong to, then take in what stands between.
    "rounds_to_codes",
    "codes_through_flatten",
    "pool_before_codes",
    "sign_through_flatten",
    "sign_through_max_pool",
    "sign_through_pad",
    # Before thresholds are found, so that they compare integers.
    "integer_layers",
    "binary_weights",
    "pool_before_activation",
    # Codes first: some are made of signs.
    "codes_to_quantize",
    "signs_to_thresholds",
    # Only now may batch norms and divisions be folded: the thresholds needed their exact roundings.
    "batch_norm_to_affine",
    "divide_to_affine",
    "absorb_casts",
    "remove_dead_nodes",
    "merge_affines",
    "affine_into_weights",
    "pool_before_affine",
    "affine_into_next_weights",
    "merge_equal_nodes",
    "layers_side_by_side",
    "to_channels_last",
    # Transposes of a reshape may meet those of the layout.
    "merge_reshapes",
    "images_to_codes",
    "integer_outputs",
)

# Registers every pass.
import_modules(passes)


def run_passes(graph: Graph, names: Sequence[str] = PASSES) -> Graph:
    """Run passes on a traced graph and verify the result of each.

    Args:
        graph: a graph in the layout of training; it is not changed.
        names: names of the passes, in order; all of them give a graph that can be written to a file.

    Returns:
        After all passes a graph with only operators of docs/format.md, channels last.

    Raises:
        GraphError: the graph is not valid.
    """
    verify(graph)
    for name in names:
        graph = passes.REGISTRY[name](graph)
        verify(graph)
    return graph
