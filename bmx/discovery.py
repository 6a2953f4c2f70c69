"""Finds the modules of a package, so that a new file is all that a new quantizer, model or command costs."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def import_modules(package: ModuleType) -> list[ModuleType]:
    """Imports the modules and packages that lie directly in a package, in the order of their names.

    Args:
        package: an imported package. Modules whose names begin with an underscore are left out.

    Returns:
        The imported modules.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names if name[0] != "_"]
