"""Where fetched data sets live, and what tells whole files from damaged ones."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator

from bmx.gluon.data.dataset import Checksum


def home() -> Path:
    """Folder of all that bmx keeps: `$BMX_HOME`, `~/.bmx` if it is not set. It need not exist."""
    folder = os.environ.get("BMX_HOME")
    return Path(folder) if folder else Path.home() / ".bmx"


def dataset_dir(name: str) -> Path:
    """Folder of a data set: `$BMX_HOME/datasets/NAME`, `~/.bmx` if BMX_HOME is not set. It need not exist."""
    return home() / "datasets" / name


def mxnet_dataset_dir(name: str) -> Path:
    """Folder where MXNet looks for a data set: `$MXNET_HOME/datasets/NAME`, `~/.mxnet` without MXNET_HOME."""
    from mxnet.base import data_dir

    return Path(data_dir()) / "datasets" / name


def damaged_files(root: Path, files: dict[str, Checksum]) -> tuple[str, ...]:
    """Names of the files that are missing from a folder or whose digest is another one."""
    return tuple(name for name, checksum in files.items() if not checksum.matches(root / name))


@contextlib.contextmanager
def written_whole(*paths: Path) -> Iterator[list[Path]]:
    """Gives temporary names beside the paths; renames them if the block ends well, deletes them otherwise."""
    temporary = [path.with_name(f".{os.getpid()}-{path.name}") for path in paths]
    try:
        yield temporary
        for source, target in zip(temporary, paths):
            os.replace(source, target)
    finally:
        for source in temporary:
            with contextlib.suppress(FileNotFoundError):
                source.unlink()
