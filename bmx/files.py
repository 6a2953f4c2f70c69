"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import os


def write_atomically(path: str, content: bytes) -> None:
    """Writes beside ``path`` and renames: whoever looks sees the old file or the whole new one.

    A symbolic link stays one, and the file it leads to is replaced. Content and name are on the disk when
    this returns, so after a power cut, too, there is the old file or the new one.

    Raises:
        OSError: the folder does not exist, or ``path`` is not a file.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{path}: the folder {folder} does not exist; create it first")
    if os.path.exists(target) and not os.path.isfile(target):
        raise FileExistsError(f"{path}: this is not a regular file; give another name")
    temporary = os.path.join(folder, f".{os.path.basename(target)}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(folder)
    except OSError as error:
        raise OSError(f"{path}: the file cannot be written ({error.strerror})") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _sync_folder(folder: str) -> None:
    """Writes a folder's names to the disk, where the file system can; the file itself is there already."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
