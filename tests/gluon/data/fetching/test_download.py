"""Downloads: whole files or none, and what has arrived is not asked for again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmx.gluon.data import DatasetError
from bmx.gluon.data.fetching.download import download

CONTENT = np.random.RandomState(1).bytes(200_000)


def part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def test_a_file_arrives_and_is_not_fetched_twice(server, tmp_path: Path) -> None:
    server.files["x"] = CONTENT
    for _ in range(2):
        download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.requests == [("x", None)]
    assert not part(tmp_path / "x").exists()


def test_broken_connections_go_on_where_they_broke(server, tmp_path: Path) -> None:
    server.files["x"] = CONTENT
    server.break_after = [70_000, 50_000]
    download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.requests == [("x", None), ("x", "bytes=70000-"), ("x", "bytes=120000-")]


def test_another_call_goes_on_too(server, tmp_path: Path) -> None:
    server.files["x"] = CONTENT
    server.break_after = [1000] * 4
    with pytest.raises(DatasetError, match=r"ended after 4000 of 200000 bytes"):
        download(server.url("x"), tmp_path / "x")
    assert part(tmp_path / "x").read_bytes() == CONTENT[:4000]
    download(server.url("x"), tmp_path / "x")
    assert server.requests[-1] == ("x", "bytes=4000-")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_killed_between_the_last_byte_and_the_renaming(server, tmp_path: Path) -> None:
    server.files["x"] = CONTENT
    part(tmp_path / "x").write_bytes(CONTENT)
    download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("setting", [{"knows_ranges": False}, {"range_shift": 1}])
def test_servers_that_cannot_go_on_send_everything(server, tmp_path: Path, setting: dict) -> None:
    server.files["x"] = CONTENT
    vars(server).update(setting)
    part(tmp_path / "x").write_bytes(b"other" * 10)
    download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_more_has_arrived_than_there_is(server, tmp_path: Path) -> None:
    server.files["x"] = CONTENT
    part(tmp_path / "x").write_bytes(CONTENT + b"more")
    download(server.url("x"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_refusals_are_sentences(server, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"127.0.0.1:\d+/no: the server answered 404 \(Not Found\)"):
        download(server.url("no"), tmp_path / "no")
    assert server.requests == [("no", None)]
    with pytest.raises(DatasetError, match="No such file"):
        download((tmp_path / "none").as_uri(), tmp_path / "no")
    assert list(tmp_path.iterdir()) == []


def test_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    download((tmp_path / "source").as_uri(), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
