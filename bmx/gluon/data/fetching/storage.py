"""Where fetched files live, and how they get there: whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator

from bmx.gluon.data.dataset import Checksum


def home() -> Path:
    """Folder of all files that bmx keeps: `$BMX_HOME`, by default `~/.bmx`. It need not exist."""
    folder = os.environ.get("BMX_HOME")
    return Path(folder) if folder else Path.home() / ".bmx"


def dataset_dir(name: str) -> Path:
    """Folder of a data set: `$BMX_HOME/datasets/NAME`. It need not exist."""
    return home() / "datasets" / name


def mxnet_dataset_dir(name: str) -> Path:
    """Folder where MXNet looks for a data set: `$MXNET_HOME/datasets/NAME`, by default in `~/.mxnet`."""
    from mxnet.base import data_dir

    return Path(data_dir()) / "datasets" / name


def damaged_files(root: Path, files: dict[str, Checksum]) -> tuple[str, ...]:
    """Names of the files that are missing from a folder or have another checksum."""
    return tuple(name for name, checksum in files.items() if not checksum.matches(root / name))


@contextlib.contextmanager
def written_whole(*paths: Path) -> Iterator[list[Path]]:
    """Yields temporary paths next to these; renames them if the block succeeds, deletes them otherwise."""
    temporary = [path.with_name(f".{os.getpid()}-{path.name}") for path in paths]
    try:
        yield temporary
        for source, target in zip(temporary, paths):
            os.replace(source, target)
    finally:
        for source in temporary:
            with contextlib.suppress(FileNotFoundError):
                source.unlink()
