"""Converters: MXNet's operators in terms of the IR's, a file a family.

`CONVERTERS` is the registry, by MXNet's names; each module of this package adds its own converters.
"""

from __future__ import annotations

import sys

from bmx.compiler.frontend.converters.base import CONVERTERS, Converter
from bmx.discovery import import_modules

import_modules(sys.modules[__name__])

__all__ = ["CONVERTERS", "Converter"]
