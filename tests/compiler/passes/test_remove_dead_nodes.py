"""Nodes that no output needs go."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes


def test_remove_dead_nodes(check_pass: Callable) -> None:
    check_pass(
        remove_dead_nodes,
        """
        graph g channels_first
        input x: f32[4]
        input unused: f32[2]
        a = relu(x)
        b = tanh(a)
        c = relu(b)
        d = tanh(a)
        output d
        """,
        """
        graph g channels_first
        input x: f32[4]
        input unused: f32[2]
        a: f32[4] = relu(x)
        d: f32[4] = tanh(a)
        output d
        """,
    )
