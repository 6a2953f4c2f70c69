#!/usr/bin/env python
"""Trains the small nets that are published with a release: parameter files, their recipes and models.json.

    scripts/release_models.py                all of them, into build/models
    scripts/release_models.py lenet          one of them; the index keeps the others

What is published are the parameters behind the last epoch, so held-out images choose nothing. A training that
was stopped goes on. With BMX_MODELS_URL=file://$PWD/build/models get_model(NAME, pretrained=True) finds them.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, Dict

from bmx.training import accuracy  # isort: skip  prepares MXNet
from bmx.gluon.data.storage import digest_of, written_whole
from bmx.gluon.model_zoo import get_model
from bmx.gluon.model_zoo.pretrained import INDEX, TrainedModel, list_trained, write_index
from bmx.training.config import Config
from bmx.training.run import train
from bmx.training.sources import open_source

# As a config of `bmx train` has it.
Recipe = Dict[str, Any]

RECIPES: dict[str, Recipe] = {
    "lenet": {
        "title": "LeNet on MNIST",
        "model": {"name": "lenet"},
        "data": {"name": "mnist", "batch_size": 128, "augmentation": "low"},
        "training": {"epochs": 5},
        "optimizer": {"name": "adam", "learning_rate": 3e-3},
    },
    "bnn_mlp": {
        "title": "BNN's perceptron on MNIST, with layers of 1024",
        "model": {"name": "bnn_mlp", "arguments": {"units": 1024}},
        "data": {"name": "mnist", "batch_size": 100, "scaling": "unit"},
        "training": {"epochs": 60},
        "optimizer": {"name": "adam", "learning_rate": 3e-3},
        "loss": {"name": "squared_hinge"},
    },
    "resnete18": {
        "title": "ResNetE-18 on CIFAR-10",
        "model": {"name": "resnete18", "arguments": {"thumbnail": True}},
        "data": {"name": "cifar10", "batch_size": 128, "augmentation": "medium"},
        "training": {"epochs": 120},
        "optimizer": {"name": "radam", "learning_rate": 2e-3},
    },
}


def release(name: str, output: Path, work: Path) -> TrainedModel:
    """Train one net and put it into the folder of the release."""
    config = Config.from_dict(RECIPES[name], name)
    trained = work / name
    result = train(config, trained, resume=True)
    source = open_source(config.data, config.training.seed)
    stem = f"{name}-{config.data.name}"
    file, recipe = output / f"{stem}.params", output / f"{stem}.toml"
    with written_whole(file, recipe) as (new_file, new_recipe):
        shutil.copyfile(trained / "last.params", new_file)
        shutil.copyfile(trained / "config.toml", new_recipe)
    model = TrainedModel(
        name=name,
        arguments={"classes": len(source.classes), **config.model.arguments},
        dataset=config.data.name,
        file=file.name,
        sha256=digest_of(file, "sha256"),
        size=file.stat().st_size,
        accuracy=result["last_accuracy"],
        recipe=f"bmx train {recipe.name}",
        preprocessing=source.preprocessing,
    )
    others = [known for known in list_trained(output) if known.file != model.file]
    write_index(output / INDEX, sorted([*others, model], key=lambda entry: entry.file))
    net = get_model(name, pretrained=config.data.name, root=output, **model.arguments)
    measured = accuracy(net, source.held_out())
    if measured != model.accuracy:
        raise SystemExit(f"{file}: accuracy {measured} after loading, {model.accuracy} in training")
    return model


def main() -> None:
    """Train what the command line names."""
    parser = argparse.ArgumentParser(description="Trains the nets of a release; see the top of the file.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(RECIPES)}; all of them by default"
    )
    parser.add_argument("--output", type=Path, default=Path("build/models"), help="folder of the release")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="folder of the trainings")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(RECIPES))
    if unknown:
        parser.error(f"expected names of {', '.join(RECIPES)}; found {', '.join(unknown)}")
    options.output.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.names or RECIPES:
        model = release(name, options.output, options.work)
        print(f"{model.file}: {model.title}, {model.size:,} bytes, SHA-256 {model.sha256}")


if __name__ == "__main__":
    main()
