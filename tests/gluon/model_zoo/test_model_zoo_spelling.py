"""A family of nets has one name, in blocks, zoo, recipes and the systems of benchmarks/methods.py."""

from __future__ import annotations

import importlib
from collections import defaultdict
from pathlib import Path

import pytest

from bmx.training.recipes import list_recipes, read_recipe

ROOT = Path(__file__).resolve().parents[3]
GLUON = ROOT / "bmx" / "gluon"
# Trainings that are no family of nets: ways to train one, and small ones for two CPU cores.
OTHER_RECIPES = {"bop", "bwn", "bnn_mlp_quick", "cifar10_2cores", "fashion_quick", "mnist_quick"}
OTHER_BLOCKS = {"parts", "stems"}
OLD_RECIPES = ("bireal_net", "dorefa", "group_net", "react_net", "self_binarizing")
OLD_MODULES = {
    "bmx.gluon.nn.blocks": {
        "binary_dense_net": "binarydensenet",
        "bireal_bottleneck": "birealnet_bottleneck",
        "bireal_net": "birealnet",
        "bool_net": "boolnet",
        "group_net": "groupnet",
        "group_net_bottleneck": "groupnet_bottleneck",
        "melius_net": "meliusnet",
        "quick_net": "quicknet",
        "react_net": "reactnet",
        "resnet_e": "resnete",
    },
    "bmx.gluon.model_zoo": {
        name: f"support.{name}"
        for name in ("classifier", "dense_connections", "gluoncv_names", "pretrained", "residual")
    },
}


def stems(folder: Path, suffix: str = ".py") -> set[str]:
    return {path.stem for path in folder.glob(f"*{suffix}") if not path.stem.startswith("_")}


def zoo() -> set[str]:
    return stems(GLUON / "model_zoo") - {"registry"}


def test_blocks_are_called_as_their_architectures() -> None:
    families = {name.replace("_bottleneck", "") for name in stems(GLUON / "nn" / "blocks")}
    assert families - OTHER_BLOCKS - zoo() == set()


def test_recipes_are_called_as_their_architectures() -> None:
    assert set(list_recipes()) - OTHER_RECIPES - zoo() == set()


def test_no_family_is_spelled_in_two_ways() -> None:
    spellings = defaultdict(set)
    systems = (ROOT / "benchmarks" / "systems.py").read_text().split('"')
    for name in (*stems(GLUON / "nn" / "blocks"), *zoo(), *list_recipes()):
        spellings[name.replace("_", "")].add(name)
    for word in systems:
        joined = word.replace("_", "")
        if word.isidentifier() and joined in spellings:
            spellings[joined].add(word)
    assert [found for found in spellings.values() if len(found) > 1] == []


@pytest.mark.parametrize("name", OLD_RECIPES)
def test_recipes_are_found_by_their_old_names(name: str) -> None:
    assert read_recipe(name)["paper"]
    assert name not in list_recipes()


@pytest.mark.parametrize(
    ("package", "old", "new"),
    [(package, *names) for package, moved in OLD_MODULES.items() for names in moved.items()],
)
def test_modules_are_found_by_their_old_names(package: str, old: str, new: str) -> None:
    assert importlib.import_module(f"{package}.{old}") is importlib.import_module(f"{package}.{new}")
    assert hasattr(importlib.import_module(package), old)


def test_checkpoints_are_loaded_by_their_old_names() -> None:
    from bmx.gluon import bmxnet
    from bmx.gluon.model_zoo import bmxnet_checkpoints, import_bmxnet, load_bmxnet

    assert bmxnet_checkpoints.load_bmxnet is load_bmxnet is bmxnet.load_bmxnet
    assert import_bmxnet is bmxnet.import_bmxnet
