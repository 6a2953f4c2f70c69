"""The intermediate representation: graph, verifier, text, evaluator, and the operators in `ops`."""

from __future__ import annotations

from bmx.compiler.ir.graph import Graph, GraphError, Input, Node, ValueType

__all__ = ["Graph", "GraphError", "Input", "Node", "ValueType"]
