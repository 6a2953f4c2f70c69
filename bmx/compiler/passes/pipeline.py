"""The passes of the compiler, in order."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.ir.graph import Graph
from bmx.compiler.ir.verifier import verify
from bmx.compiler.passes.absorb_casts import absorb_casts
from bmx.compiler.passes.affine_into_next_weights import affine_into_next_weights
from bmx.compiler.passes.affine_into_weights import affine_into_weights
from bmx.compiler.passes.batch_norm_to_affine import batch_norm_to_affine
from bmx.compiler.passes.binary_weights import binary_weights
from bmx.compiler.passes.codes_through_flatten import codes_through_flatten
from bmx.compiler.passes.codes_to_quantize import codes_to_quantize
from bmx.compiler.passes.divide_to_affine import divide_to_affine
from bmx.compiler.passes.images_to_codes import images_to_codes
from bmx.compiler.passes.integer_layers import integer_layers
from bmx.compiler.passes.integer_outputs import integer_outputs
from bmx.compiler.passes.layers_side_by_side import layers_side_by_side
from bmx.compiler.passes.merge_affines import merge_affines
from bmx.compiler.passes.merge_equal_nodes import merge_equal_nodes
from bmx.compiler.passes.merge_reshapes import merge_reshapes
from bmx.compiler.passes.pads_into_convolutions import pads_into_convolutions
from bmx.compiler.passes.pool_before_activation import pool_before_activation
from bmx.compiler.passes.pool_before_affine import pool_before_affine
from bmx.compiler.passes.pool_before_codes import pool_before_codes
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.remove_identity import remove_identity
from bmx.compiler.passes.reshapes_to_shuffles import reshapes_to_shuffles
from bmx.compiler.passes.rounds_to_codes import rounds_to_codes
from bmx.compiler.passes.sign_through_flatten import sign_through_flatten
from bmx.compiler.passes.sign_through_max_pool import sign_through_max_pool
from bmx.compiler.passes.sign_through_pad import sign_through_pad
from bmx.compiler.passes.signs_to_thresholds import signs_to_thresholds
from bmx.compiler.passes.to_channels_last import to_channels_last

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    remove_identity,
    reshapes_to_shuffles,
    merge_reshapes,
    pads_into_convolutions,
    # Signs and codes move up to the numbers that they belong to, then take in what stands between.
    rounds_to_codes,
    codes_through_flatten,
    pool_before_codes,
    sign_through_flatten,
    sign_through_max_pool,
    sign_through_pad,
    # Before thresholds are found, so that they compare integers.
    integer_layers,
    binary_weights,
    pool_before_activation,
    # Codes first: some are made of signs.
    codes_to_quantize,
    signs_to_thresholds,
    # Only now may batch norms and divisions be folded: the thresholds needed their exact roundings.
    batch_norm_to_affine,
    divide_to_affine,
    absorb_casts,
    remove_dead_nodes,
    merge_affines,
    affine_into_weights,
    pool_before_affine,
    affine_into_next_weights,
    merge_equal_nodes,
    layers_side_by_side,
    to_channels_last,
    # Transposes of a reshape may meet those of the layout.
    merge_reshapes,
    images_to_codes,
    integer_outputs,
)


def run_passes(graph: Graph) -> Graph:
    """Run all passes on a traced graph and verify the result of each.

    Args:
        graph: a graph in the layout of training; it is not changed.

    Returns:
        A graph with only operators of docs/format.md, channels last.

    Raises:
        GraphError: the graph is not valid.
    """
    verify(graph)
    for run_pass in PASSES:
        graph = run_pass(graph)
        verify(graph)
    return graph
