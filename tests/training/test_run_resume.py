"""kill -9 at any moment and --resume give the parameters of an undisturbed run, bit by bit."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest

from bmx.training.checkpoint import Checkpoint, CheckpointError
from bmx.training.reading import ConfigError
from bmx.training.run import train
from bmx.training.run_dir import OutputError
from bmx.training.schema import Config
from tests.support.subprocesses import environment
from tests.support.tiny_training import build, tiny

# Dies in the middle of an epoch, after a checkpoint, or while one is written: before its rename.
DYING = """
import json, os, signal, sys
from tests.support.tiny_training import build
import bmx.files
from bmx.training.callbacks import Saver
from bmx.training.schema import Config
from bmx.training.run import train

def die():
    os.kill(os.getpid(), signal.SIGKILL)

after_update, replace = Saver.after_update, os.replace

def dying_update(self, engine):
    after_update(self, engine)
    if {moment!r} == "update" and engine.progress.all_updates == {updates}:
        die()

def dying_rename(source, target):
    if {moment!r} == "rename" and {name!r} in os.path.basename(target):
        die()
    replace(source, target)

Saver.after_update = dying_update
os.replace = dying_rename
train(Config.from_dict(json.loads({config!r})), {output!r}, build=build, log=str)
"""


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the curves takes longer than these trainings."""
    monkeypatch.setattr("bmx.training.plot.is_available", lambda: False)


EVERYTHING: dict[str, Any] = {
    "training": {"accumulate": 2, "clip_norm": 5.0},
    "loss": {"mixup": 0.5, "label_smoothing": 0.1},
    "average": {"decay": 0.9, "batches": 3},
    "checkpoints": {"steps": 3, "keep": 2},
}
SPLIT: dict[str, Any] = {
    "optimizer": {"binary": {"name": "bop", "gamma": 0.1}, "name": "radam"},
    "checkpoints": {"steps": 5},
}
STAGED: dict[str, Any] = {
    "checkpoints": {"steps": 3},
    "training": {"epochs": 2},
    "stages": [
        {"name": "float", "weights": "identity", "activations": "hardtanh"},
        {
            "name": "binary",
            "optimizer": {"name": "nag", "arguments": {"momentum": 0.9}},
            "teacher": {"previous": True, "loss": "distillation"},
        },
    ],
}


def parameters(folder: Path, name: str = "last.params") -> dict[str, np.ndarray]:
    return {key: value.asnumpy() for key, value in mx.nd.load(str(folder / name)).items()}


def assert_equal(folder: Path, other: Path, name: str) -> None:
    one, two = parameters(folder, name), parameters(other, name)
    assert one.keys() == two.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, two[key], err_msg=key)


def killed(config: Config, output: Path, moment: str, updates: int = 0, name: str = "") -> None:
    script = DYING.format(
        moment=moment,
        updates=updates,
        name=name,
        config=json.dumps(config.to_dict()),
        output=str(output),
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment())
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(
    ("changes", "moment", "updates", "name"),
    [
        (EVERYTHING, "update", 8, ""),  # 4 updates an epoch, checkpoint after 3 of them
        (SPLIT, "rename", 0, "00-00001-0000007"),  # the checkpoint is complete under another name only
        (STAGED, "update", 21, ""),  # in the second stage
    ],
    ids=["everything", "split", "staged"],
)
def test_a_killed_run_resumes_as_if_nothing_had_happened(
    changes: dict[str, Any], moment: str, updates: int, name: str, tmp_path: Path
) -> None:
    config = tiny(**changes)
    undisturbed = train(config, tmp_path / "undisturbed", build=build, log=str)
    killed(config, tmp_path / "killed", moment, updates, name)
    assert not (tmp_path / "killed" / "result.json").exists()
    lines: list[str] = []
    resumed = train(config, tmp_path / "killed", resume=True, build=build, log=lines.append)
    assert lines[0].startswith("resumed at epoch")
    assert "batch 0 " not in lines[0]
    for file in ("last.params", "best.params"):
        assert_equal(tmp_path / "undisturbed", tmp_path / "killed", file)
    for key in ("accuracy", "best_epoch", "last_accuracy", "train_accuracy", "loss", "epochs", "updates"):
        assert undisturbed[key] == resumed[key], key
    logs = [
        [line for line in (tmp_path / run / "log.txt").read_text().splitlines() if line.startswith("[Epoch")]
        for run in ("undisturbed", "killed")
    ]
    assert [line.split(" time")[0] for line in logs[0]] == [line.split(" time")[0] for line in logs[1]]
    assert len(list((tmp_path / "killed" / "checkpoints").iterdir())) == config.checkpoints.keep


def test_the_seed_decides(tmp_path: Path) -> None:
    for seed in (5, 6):
        train(tiny(training={"seed": seed, "epochs": 1}), tmp_path / str(seed), build=build, log=str)
    one, other = (parameters(tmp_path / str(seed)) for seed in (5, 6))
    assert any((one[key] != other[key]).any() for key in one)


def test_a_folder_is_not_used_twice(tmp_path: Path) -> None:
    config = tiny(training={"epochs": 1})
    train(config, tmp_path, build=build, log=str)
    before = parameters(tmp_path)
    with pytest.raises(OutputError, match=r"a finished training; give --resume .* --overwrite"):
        train(config, tmp_path, build=build, log=str)
    with pytest.raises(ConfigError, match=r"another optimizer.learning_rate"):
        train(tiny(training={"epochs": 1}, optimizer={"learning_rate": 1.0}), tmp_path, resume=True)
    lines: list[str] = []
    train(config, tmp_path, resume=True, build=build, log=lines.append)
    assert "has ended" in lines[0]
    (tmp_path / "mine.txt").write_text("kept")
    other = tiny(training={"epochs": 1, "seed": 9})
    train(other, tmp_path, overwrite=True, build=build, log=str)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    assert any((parameters(tmp_path)[key] != before[key]).any() for key in before)


def test_a_damaged_checkpoint_says_so(tmp_path: Path) -> None:
    config = tiny(training={"epochs": 1})
    train(config, tmp_path, build=build, log=str)
    (tmp_path / "result.json").unlink()
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
    content = newest.read_bytes()
    newest.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"no whole checkpoint .* delete it"):
        train(config, tmp_path, resume=True, build=build, log=str)
    newest.write_bytes(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
    assert Checkpoint.read(newest).progress.epoch == 1


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    import fcntl

    config = tiny(training={"epochs": 1})
    with open(tmp_path / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match=r"another process is training"):
            train(config, tmp_path, build=build, log=str)
    assert os.listdir(tmp_path) == [".lock"]
