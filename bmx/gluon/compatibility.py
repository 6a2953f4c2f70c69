"""Makes MXNet 1.9.1 importable with NumPy versions that are younger than it."""

from __future__ import annotations

import warnings

import numpy as np

# Aliases of the builtins that NumPy 1.24 removed and MXNet 1.9.1 reads while it is imported.
_REMOVED_ALIASES = {
    "bool": bool,
    "int": int,
    "float": float,
    "object": object,
    "complex": complex,
    "str": str,
}


def restore_numpy_aliases() -> None:
    """Set ``np.bool`` and the like where this NumPy lacks them; names that it has stay as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy 1.20 to 1.23 warn on mere access
        missing = [name for name in _REMOVED_ALIASES if not hasattr(np, name)]
    for name in missing:
        setattr(np, name, _REMOVED_ALIASES[name])


def import_mxnet() -> None:
    """Import MXNet, without the deprecation warnings of its own source.

    Raises:
        ImportError: if MXNet is not installed.
    """
    restore_numpy_aliases()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            import mxnet  # noqa: F401
        except ModuleNotFoundError as error:
            if error.name != "mxnet":
                raise
            raise ImportError(
                'bmx.gluon needs MXNet 1.9.1; install it with: pip install "bmx-gluon[gluon]"'
            ) from None
