"""Every recipe is read, and trained for two updates of each stage on a few small images."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bmx.training.reading import ConfigError, merge
from bmx.training.recipes import list_recipes, read_recipe
from bmx.training.schema import Config

PAPERS = {
    *("abc_net", "binarydensenet", "birealnet", "bnext", "bnn", "bop", "bwn", "dorefanet", "groupnet"),
    *("horq", "meliusnet", "quicknet", "reactnet", "real_to_binary", "resnete", "selfbin", "wrpn"),
    "xnor_net",
}
# The recipe's own net, losses, optimizers and stages stay what they are; large ones lose what only repeats.
SMALL: dict[str, Any] = {
    "data": {"name": "random", "train_limit": 4, "test_limit": 2, "batch_size": 2, "classes": 3},
    "training": {"steps": 2, "epochs": 1},
}
SHAPES = {name: [28, 28, 1] for name in ("mnist_quick", "bnn_mlp_quick", "fashion_quick")}
MODELS: dict[str, Any] = {
    "abc_net": {"arguments": {"weight_terms": 2, "input_terms": 1}},
    "bnext": {"arguments": {"width": 8}},
    "dorefanet": {"name": "birealnet18", "arguments": {"input_bits": 2}},  # for 58 million weights
    "groupnet": {"arguments": {"bases": 1}},
    "reactnet": {"name": "react_resnet18"},
}

# All in a process of their own, without oneDNN: after some nets MXNet's oneDNN batch norm reads memory that
# is not there. Checkpoints, drawings and events have tests of their own.
TRAINING = """
import json, sys, time, traceback
import bmx.training
from bmx.training import plot, stage_run, tensorboard
from bmx.training.schema import Config
from bmx.training.run import train
import os

os.fsync = lambda handle: None
plot.is_available = tensorboard.is_available = lambda: False
stage_run.StageRun._save = lambda self: None
results = {}
for name, table in json.loads(sys.stdin.read()).items():
    lines = []
    try:
        results[name] = train(Config.from_dict(table, name), sys.argv[1], overwrite=True, log=lines.append)
        results[name]["lines"] = lines
    except Exception:
        results[name] = {"error": traceback.format_exc()}
print(json.dumps(results))
"""


def small(name: str) -> dict[str, Any]:
    """The recipe's description, made small."""
    recipe = read_recipe(name)
    changed = merge(recipe, SMALL)
    changed["data"] = {**changed["data"], "shape": SHAPES.get(name, [32, 32, 3])}
    changed = merge(changed, {"model": MODELS.get(name, {})})
    if "model" in recipe.get("teacher", {}):  # pretrained, and several times as large as the student
        changed = merge(changed, {"teacher": {"pretrained": False, "model": "gluoncv:resnet18_v1"}})
    for stage in changed.get("stages", []):
        stage.pop("training", None)
    return changed


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-c", TRAINING, str(tmp_path_factory.mktemp("recipes"))],
        input=json.dumps({name: small(name) for name in list_recipes()}),
        env={**os.environ, "MXNET_MKLDNN_ENABLED": "0"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", list_recipes())
def test_two_updates_of_each_stage(name: str, results: dict[str, Any]) -> None:
    result = results[name]
    assert "error" not in result, result["error"]
    stages = Config.from_dict(read_recipe(name), name).all_stages
    assert result["updates"] == 2 * len(stages)
    assert math.isfinite(result["loss"])
    assert sum(line.startswith("[Epoch 0] train=") for line in result["lines"]) == len(stages)


def test_there_is_one_for_each_paper() -> None:
    assert set(list_recipes()) >= PAPERS
    for name in list_recipes():
        config = Config.from_dict(read_recipe(name), name)
        assert config.title
        assert config.notes
        assert config.paper or name not in PAPERS
        assert config.data.name in ("mnist", "fashion-mnist", "cifar10", "imagenet")


def test_an_unknown_recipe_is_named_with_what_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'reactnett' .did you mean 'reactnet'"):
        read_recipe("reactnett")


def test_recipes_are_in_the_package() -> None:
    import bmx.training.recipes as package

    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert "training/recipes/*.toml" in pyproject
    assert len(list(Path(package.__file__).parent.glob("*.toml"))) == len(list_recipes())
