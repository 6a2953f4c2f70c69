"""MXNet's operators in terms of the IR's, a file a family; `RULES` is the registry: MXNet's name -> rule."""

from __future__ import annotations

from bmx.compiler.rules import arithmetic, binary, elementwise, layers, parts, reductions, shapes
from bmx.compiler.rules.base import RULES, Rule

__all__ = ["RULES", "Rule", "arithmetic", "binary", "elementwise", "layers", "parts", "reductions", "shapes"]
