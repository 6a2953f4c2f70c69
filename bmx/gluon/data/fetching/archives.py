"""Unpacks archives. The caller names the files that are written; an archive has no say in where they go."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path
from typing import Any, Callable

from bmx.gluon.data.dataset import DatasetError

_BLOCK = 1 << 20


def unpack_tar(archive: Path, folder: Path, target_of: Callable[[str], str | None]) -> None:
    """Writes members of a tar archive, compressed or not, into a folder.

    Args:
        archive: path of the archive, which is deleted if it is damaged, so that the next try fetches it anew.
        folder: folder of the files.
        target_of: maps the name of a member to the name of its file in `folder`, or to None to leave it out.

    Raises:
        DatasetError: the archive is damaged.
    """
    try:
        with tarfile.open(archive) as tar:
            _unpack(tar, folder, target_of)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        archive.unlink()
        raise DatasetError(f"the archive {archive.name} is damaged ({error})") from None


def unpack_deb(archive: Path, folder: Path, target_of: Callable[[str], str | None]) -> None:
    """Does what `unpack_tar` does for a Debian package, with dpkg-deb, which knows its compression."""
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                _unpack(tar, folder, target_of)
        except (tarfile.TarError, EOFError) as error:
            archive.unlink()
            raise DatasetError(f"the archive {archive.name} is damaged ({error})") from None


def unpack_gz(source: Path, target: Path) -> None:
    """Unpacks a .gz file; a damaged one is deleted and raises DatasetError."""
    try:
        with gzip.open(source) as stream:
            _write(stream, target)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        source.unlink()
        raise DatasetError(f"the file {source.name} is damaged ({error})") from None


def _unpack(tar: tarfile.TarFile, folder: Path, target_of: Callable[[str], str | None]) -> None:
    for member in tar:
        name = target_of(member.name)
        stream = tar.extractfile(member) if name else None
        if name and stream is not None:
            _write(stream, folder / name)


def _write(stream: Any, target: Path) -> None:
    with target.open("wb") as out:
        shutil.copyfileobj(stream, out, _BLOCK)
