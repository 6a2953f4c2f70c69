"""Fetching with stand-in sources: what reaches the folder, what is kept, what the errors say."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from pathlib import Path

import pytest

from bmx.gluon.data import Dataset, DatasetError, check, fetch
from bmx.gluon.data.dataset import Checksum, Source

CONTENT = {name: f"content of {name}".encode() for name in ("a", "b", "c")}


class Bring:
    """Writes the files it is asked for and notes which."""

    def __init__(self, content: dict[str, bytes] = CONTENT, error: Exception | None = None):
        self.content, self.error, self.asked = content, error, []

    def __call__(self, folder: Path, names: tuple[str, ...], log: object) -> None:
        self.asked.append(names)
        (folder / "archive").write_bytes(b"something on the way")
        if self.error:
            raise self.error
        for name in names:
            (folder / name).write_bytes(self.content[name])


def dataset(*brings: Bring) -> Dataset:
    files = {
        name: Checksum("sha256", hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items()
    }
    sources = tuple(Source(f"source {index}", bring) for index, bring in enumerate(brings))
    return Dataset("letters", "Letters", files, Path, lambda root, train: None, sources)


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}


def quiet(line: str) -> None:
    pass


def test_files_arrive_and_a_second_fetch_does_nothing(tmp_path: Path) -> None:
    bring = Bring()
    for _ in range(2):
        assert fetch(dataset(bring), tmp_path / "x", quiet) == tmp_path / "x"
        assert files(tmp_path / "x") == CONTENT
        assert [path.name for path in (tmp_path / "x").iterdir() if path.is_dir()] == []
    assert bring.asked == [("a", "b", "c")]


def test_only_missing_and_damaged_files_are_fetched(tmp_path: Path) -> None:
    bring = Bring()
    (tmp_path / "a").write_bytes(CONTENT["a"])
    (tmp_path / "b").write_bytes(b"half of i")
    fetch(dataset(bring), tmp_path, quiet)
    assert bring.asked == [("b", "c")]
    assert files(tmp_path) == CONTENT


def test_the_second_source_is_tried_after_wrong_files(tmp_path: Path) -> None:
    fetch(dataset(Bring({**CONTENT, "b": b"something else"}), Bring()), tmp_path, quiet)
    assert files(tmp_path) == CONTENT


def test_no_source_works(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"damaged")
    wrong = Bring({name: b"something else" for name in CONTENT})
    with pytest.raises(
        DatasetError, match=r"source 0: no net; source 1: the checksum of a, b, c is not.*put the"
    ):
        fetch(dataset(Bring(error=OSError("no net\nmore")), wrong), tmp_path, quiet)
    assert files(tmp_path) == {"a": b"damaged"}
    assert files(tmp_path / ".downloads") == {}


def test_an_interrupted_fetch_keeps_what_has_arrived(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fetch(dataset(Bring(error=KeyboardInterrupt())), tmp_path, quiet)
    assert files(tmp_path / ".downloads") == {"archive": b"something on the way"}


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    bring = Bring()
    (tmp_path / ".downloads").mkdir()
    other = os.open(tmp_path / ".downloads", os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    lines: list[str] = []
    waiting = threading.Event()

    def log(line: str) -> None:
        lines.append(line)
        waiting.set()

    thread = threading.Thread(target=fetch, args=(dataset(bring), tmp_path, log))
    thread.start()
    assert waiting.wait(10)
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    os.close(other)
    thread.join(10)
    assert not thread.is_alive()
    assert "waiting for another process" in lines[0]
    assert bring.asked == []


@pytest.mark.parametrize(
    ("there", "word", "missing", "damaged"),
    [
        ({}, "not here", ("a", "b", "c"), ()),
        ({"a": b"content of a"}, "incomplete", ("b", "c"), ()),
        ({**CONTENT, "b": b"content of B"}, "damaged", (), ("b",)),
        ({"b": b""}, "damaged", ("a", "c"), ("b",)),
        (CONTENT, "complete", (), ()),
    ],
)
def test_check_tells_what_is_there(tmp_path: Path, there, word, missing, damaged) -> None:
    for name, content in there.items():
        (tmp_path / name).write_bytes(content)
    assert check(dataset(), tmp_path) == (tmp_path, missing, damaged, 3)
    assert check(dataset(), tmp_path).word == word
