"""Finds the modules of a package, so that a new file is all that a new quantizer, model or command costs.

Also keeps the names that modules had before they moved.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
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


def keep_old_names(package: str, moved: dict[str, str]) -> None:
    """Makes modules importable under the names that they had in a package before they moved.

    Args:
        package: name of an imported package.
        moved: old name in the package -> full name of the module that it is now, which is imported.
    """
    for old, new in moved.items():
        module = importlib.import_module(new)
        sys.modules[f"{package}.{old}"] = module
        setattr(sys.modules[package], old, module)
