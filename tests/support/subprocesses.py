"""Python processes that tests start."""

from __future__ import annotations

import os
from pathlib import Path

#: The repository.
ROOT = Path(__file__).resolve().parents[2]


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, in which Python finds `bmx` and `tests` from any folder.

    Args:
        variables: further ones.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
