#!/usr/bin/env python
"""Trains the small nets that are published with a release: parameter files and models.json.

    scripts/release_models.py                all of them, into build/models
    scripts/release_models.py mnist_quick    by one recipe; the index keeps the others

The parameters after the last epoch are published, so held-out images choose nothing. A training that was
stopped resumes. With BMX_MODELS_URL=file://$PWD/build/models get_model(NAME, pretrained=True) finds them.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from bmx.training import accuracy  # isort: skip  prepares MXNet
from bmx.gluon.data.dataset import digest_of
from bmx.gluon.data.fetching.storage import written_whole
from bmx.gluon.model_zoo import get_model
from bmx.gluon.model_zoo.support.pretrained import INDEX, TrainedModel, list_trained, write_index
from bmx.training.recipes import read_recipe
from bmx.training.run import train
from bmx.training.schema import Config
from bmx.training.sources import open_source

# Names of recipes; each makes one file.
RECIPES = ("mnist_quick", "bnn_mlp_quick", "fashion_quick", "cifar10_2cores")


def release(name: str, output: Path, work: Path) -> TrainedModel:
    """Train one net by a recipe and put it into the folder of the release."""
    config = Config.from_dict(read_recipe(name), name)
    trained = work / name
    result = train(config, trained, resume=True)
    source = open_source(config.data, config.training.seed)
    file = output / f"{config.model.name}-{config.data.name}.params"
    with written_whole(file) as (new_file,):
        shutil.copyfile(trained / "last.params", new_file)
    model = TrainedModel(
        name=config.model.name,
        arguments={"classes": len(source.classes), **config.model.arguments},
        dataset=config.data.name,
        file=file.name,
        sha256=digest_of(file, "sha256"),
        size=file.stat().st_size,
        accuracy=result["last_accuracy"],
        recipe=f"bmx train --recipe {name}",
        preprocessing=source.preprocessing,
    )
    others = [known for known in list_trained(output) if known.file != model.file]
    write_index(output / INDEX, sorted([*others, model], key=lambda entry: entry.file))
    net = get_model(config.model.name, pretrained=config.data.name, root=output, **model.arguments)
    measured = accuracy(net, source.held_out())
    if measured != model.accuracy:
        raise SystemExit(f"{file}: accuracy {measured} after loading, {model.accuracy} in training")
    return model


def main() -> None:
    """Train what the command line names."""
    parser = argparse.ArgumentParser(description="Trains the nets of a release; see the top of the file.")
    parser.add_argument(
        "names", nargs="*", metavar="RECIPE", help=f"{', '.join(RECIPES)}; all of them by default"
    )
    parser.add_argument("--output", type=Path, default=Path("build/models"), help="folder of the release")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="folder of the trainings")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(RECIPES))
    if unknown:
        parser.error(f"expected recipes of {', '.join(RECIPES)}; found {', '.join(unknown)}")
    options.output.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.names or RECIPES:
        model = release(name, options.output, options.work)
        print(f"{model.file}: {model.title}, {model.size:,} bytes, SHA-256 {model.sha256}")


if __name__ == "__main__":
    main()
