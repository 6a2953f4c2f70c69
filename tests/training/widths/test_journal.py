"""A search that is stopped anywhere resumes, and ends as if it had not been stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bmx.training.widths import Journal, JournalError, Outcome, Result, Settings, search
from tests.support.subprocesses import environment

SETTINGS = Settings(layers=3, population=4, generations=2, seed=5)
WHAT = {"ratios": SETTINGS.ratios, "seed": 5}


class Killed(BaseException):
    pass


def toy(genome: tuple[float, ...]) -> Result:
    return Result(1 - 0.7 ** sum(genome) / 3, sum(i * r for i, r in enumerate(genome, start=1)) / 6)


def quiet(_: str) -> None:
    pass


def run(folder: Path, evaluate=toy, what: dict = WHAT, log=quiet) -> Outcome:
    with Journal(folder, what, log) as journal:
        return search(evaluate, SETTINGS, journal, log=log)


def counted(limit: int):
    """`toy` that is killed when it is asked once more than `limit` times, and how often it was asked."""
    asked: list[tuple[float, ...]] = []

    def evaluate(genome: tuple[float, ...]) -> Result:
        if len(asked) == limit:
            raise Killed
        asked.append(genome)
        return toy(genome)

    return evaluate, asked


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(folder), (folder / "evaluations.jsonl").read_bytes()


@pytest.mark.parametrize("after", range(12))
def test_stopped_after_any_evaluation(tmp_path: Path, undisturbed: tuple[Outcome, bytes], after: int) -> None:
    evaluate, first = counted(after)
    with pytest.raises(Killed):
        run(tmp_path, evaluate)
    evaluate, second = counted(100)
    assert run(tmp_path, evaluate) == undisturbed[0]
    assert (tmp_path / "evaluations.jsonl").read_bytes() == undisturbed[1]
    assert len(first) == after
    assert len(first) + len(second) == len({*first, *second}) == 12


def test_cut_at_any_byte(tmp_path: Path, undisturbed: tuple[Outcome, bytes]) -> None:
    file = tmp_path / "evaluations.jsonl"
    for length in range(0, len(undisturbed[1]), 7):
        content = undisturbed[1][:length]
        file.write_bytes(content)
        notes: list[str] = []
        assert run(tmp_path, log=notes.append) == undisturbed[0]
        assert file.read_bytes() == undisturbed[1]
        dropped = [note for note in notes if "only half there" in note]
        assert len(dropped) == (not content.endswith(b"\n") and length > 0), (length, notes)


SCRIPT = """
import sys, time
from tests.training.widths.test_journal import run, toy

def slow(genome):
    time.sleep(0.05)
    return toy(genome)

run({folder!r}, slow)
"""


def test_killed_by_the_system(tmp_path: Path, undisturbed: tuple[Outcome, bytes]) -> None:
    script = SCRIPT.format(folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, env=environment())
    file = tmp_path / "evaluations.jsonl"
    end = time.monotonic() + 60
    while not (file.exists() and file.read_bytes().count(b"\n") >= 4):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = file.read_bytes().count(b"\n") - 1
    assert 3 <= done < 12
    evaluate, asked = counted(100)
    assert run(tmp_path, evaluate) == undisturbed[0]
    assert len(asked) == 12 - done
    assert file.read_bytes() == undisturbed[1]


def test_other_settings_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    run(tmp_path)
    before = (tmp_path / "evaluations.jsonl").read_bytes()
    with pytest.raises(JournalError, match=r"holds a search with seed 5 \(now 6\); give the same settings"):
        run(tmp_path, what={**WHAT, "seed": 6})
    with pytest.raises(JournalError, match=r"epochs null \(now 3\)"):
        run(tmp_path, what={**WHAT, "epochs": 3})
    assert (tmp_path / "evaluations.jsonl").read_bytes() == before


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path, WHAT), pytest.raises(JournalError, match="another process is searching"):
        Journal(tmp_path, WHAT)
    Journal(tmp_path, WHAT).__exit__()


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (2, b"no json", "line 2 is not a line of a search's log"),
        (3, b"[1]", "line 3 is not"),
        (3, b'{"ratios": 3}', "line 3 is not"),
        (3, b'{"ratios": ["x"], "accuracy": 1, "cost": 1}', "line 3 is not"),
        (1, b'{"search": 99, "settings": {}}', "not the log of a search by this version"),
        (1, b'{"ratios": [1]}', "not the log of a search by this version"),
    ],
)
def test_a_damaged_log_is_refused(tmp_path: Path, number: int, line: bytes, message: str) -> None:
    run(tmp_path)
    file = tmp_path / "evaluations.jsonl"
    lines = file.read_bytes().splitlines()
    lines[number - 1] = line
    file.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(JournalError, match=message):
        run(tmp_path)


def test_the_final_training_is_kept(tmp_path: Path) -> None:
    with Journal(tmp_path, WHAT) as journal:
        assert journal.final is None
        journal.add((1.0, 2.0, 0.25), Result(1 / 3, 0.1))
        journal.set_final({"test_accuracy": 0.9})
    with Journal(tmp_path, WHAT) as journal:
        assert journal.final == {"test_accuracy": 0.9}
        assert journal.results == {(1.0, 2.0, 0.25): Result(1 / 3, 0.1)}
    lines = (tmp_path / "evaluations.jsonl").read_text().splitlines()
    assert json.loads(lines[1]) == {"ratios": [1.0, 2.0, 0.25], "accuracy": 1 / 3, "cost": 0.1}
