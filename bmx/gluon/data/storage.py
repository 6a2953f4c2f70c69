"""Where fetched data sets live, and how a file gets there: checked first, then renamed into place."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def dataset_dir(name: str) -> Path:
    """Folder of a data set: `$BMX_HOME/datasets/NAME`, `~/.bmx` if BMX_HOME is not set. It need not exist."""
    home = os.environ.get("BMX_HOME")
    return (Path(home) if home else Path.home() / ".bmx") / "datasets" / name


def sha256(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def has_sha256(path: Path, expected: str) -> bool:
    """True if the file exists and has this SHA-256."""
    return path.is_file() and sha256(path) == expected
