"""Identities go; their readers read what they read."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes.remove_identity import remove_identity


def test_remove_identity(check_pass: Callable) -> None:
    check_pass(
        remove_identity,
        """
        graph g channels_first
        input x: f32[4]
        a = identity(x)
        b = identity(a)
        c = relu(b)
        d = identity(c)
        output d
        output b
        """,
        """
        graph g channels_first
        input x: f32[4]
        c: f32[4] = relu(x)
        output c
        output x
        """,
    )
