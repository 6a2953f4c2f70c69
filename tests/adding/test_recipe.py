"""A recipe costs one file: it is listed and trained by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bmx.training import recipes
from tests.support.command_line import invoke

FILE = """
title = "LeNet on noise"
notes = "Shows that a training runs."
model = { name = "lenet" }
data = { name = "random", shape = [28, 28, 1], classes = 10, train_limit = 4, test_limit = 2, batch_size = 2 }
training = { epochs = 1 }
"""


def test_a_recipe_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noise_quick.toml").write_text(FILE)
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path)])
    assert "noise_quick       LeNet on noise" in invoke("list", "recipes").stdout
    done = invoke("train", "--recipe", "noise_quick", "--output", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["updates"] == 2
