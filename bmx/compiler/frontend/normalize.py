"""Rewrites of a recorded symbol before it is imported: named, in order, and checked after each.

MXNet records one net in several forms. The importer sees one: without the parts that only training needs,
with bmx's own operators for signs and layers of signs, and with a parameter for each array that is computed
from parameters alone. A rewrite returns a symbol that computes the same values from the same inputs, and the
parameters that this symbol reads.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, Tuple

import numpy as np

from bmx.compiler.frontend.binary_layers import recognize_binary_layers
from bmx.compiler.frontend.constant_folding import fold_constants
from bmx.compiler.frontend.training_parts import drop_training_parts
from bmx.gluon.symbol_json import Entry, SymbolJson

# float32 arrays by name.
Parameters = Dict[str, np.ndarray]
Normalization = Callable[[SymbolJson, Parameters], Tuple[SymbolJson, Parameters]]

NORMALIZATIONS: tuple[Normalization, ...] = (
    drop_training_parts,
    recognize_binary_layers,
    fold_constants,
    # Folding may have made the signs of a weight a constant.
    recognize_binary_layers,
)


def normalize(
    symbol: SymbolJson, parameters: Parameters, rewrites: Iterable[Normalization] = NORMALIZATIONS
) -> tuple[SymbolJson, Parameters]:
    """Run rewrites and check the result of each.

    Args:
        symbol: a recorded symbol; it is not changed.
        parameters: float32 arrays by name; those that the symbol does not read may be among them.
        rewrites: the rewrites, in order.

    Returns:
        The rewritten symbol and its parameters.

    Raises:
        ValueError: an array computed from parameters is not float32, or not finite.
        UnsupportedError: MXNet cannot compute such an array.
        RuntimeError: a rewrite broke the symbol, which is a bug of bmx.
    """
    for rewrite in rewrites:
        symbol, parameters = rewrite(symbol, parameters)
        problem = find_problem(symbol, parameters)
        if problem:
            raise RuntimeError(
                f"bmx: {rewrite.__name__} broke the recorded net: {problem}; this is a bug of bmx."
            )
    return symbol, parameters


def find_problem(symbol: SymbolJson, parameters: Parameters) -> str:
    """The rule that a symbol or its parameters break; empty if they break none."""
    nodes = symbol["nodes"]
    for index, node in enumerate(nodes):
        if not _point_before(node["inputs"], index):
            return f"node {index}, {node['name']!r}, reads {node['inputs']}; expected nodes before it"
    if not symbol["heads"] or not _point_before(symbol["heads"], len(nodes)):
        return f"the heads are {symbol['heads']}; expected outputs of the {len(nodes)} nodes"
    variables = [index for index, node in enumerate(nodes) if node["op"] == "null"]
    if symbol["arg_nodes"] != variables:
        return f"arg_nodes is {symbol['arg_nodes']}; expected the variables, {variables}"
    names = [nodes[index]["name"] for index in variables]
    if len(set(names)) < len(names):
        return f"two variables have one name among {', '.join(names)}"
    wrong = [name for name, array in parameters.items() if array.dtype != np.float32]
    return f"the parameter {wrong[0]!r} should be float32" if wrong else ""


def _point_before(entries: Iterable[Entry], end: int) -> bool:
    return all(0 <= entry[0] < end for entry in entries)
