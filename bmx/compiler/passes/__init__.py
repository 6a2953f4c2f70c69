"""Passes: each takes a graph and returns another one that computes the same.

A pass is a function marked with `compiler_pass`, whose docstring shows the rewriting. `PASSES` in
`bmx.compiler.passes.pipeline` is their order; what several of them share is in `bmx.compiler.passes.support`.
"""

from __future__ import annotations

from typing import Callable

from bmx.compiler.ir.graph import Graph

# The argument stays as it is.
Pass = Callable[[Graph], Graph]

REGISTRY: dict[str, Pass] = {}


def compiler_pass(function: Pass) -> Pass:
    """Register a pass under the name of its function."""
    REGISTRY[function.__name__] = function
    return function
