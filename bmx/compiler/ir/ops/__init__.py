"""The operators of the IR, a family a file; src/ops has the same families.

`OPERATORS` is the registry, by name: a class that derives from `Operator` and has a name is in it.
"""

from __future__ import annotations

import sys

from bmx.compiler.ir.ops.base import OPERATORS, Operator
from bmx.discovery import import_modules

import_modules(sys.modules[__name__])

__all__ = ["OPERATORS", "Operator"]
