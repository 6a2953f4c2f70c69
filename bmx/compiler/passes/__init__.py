"""Passes: each takes a graph and returns another one that computes the same.

Each has a docstring that shows the rewriting. `bmx.compiler.passes.pipeline` has their order.
"""
