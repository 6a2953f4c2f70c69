"""`bmx train`: trains a net as a recipe or a config describes it."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any, Mapping

import click

from bmx.commands.support.options import example, json_option

# Option -> place in the description.
_PLACES = {
    "dataset": "data.name",
    "root": "data.root",
    "batch_size": "data.batch_size",
    "augmentation": "data.augmentation",
    "epochs": "training.epochs",
    "steps": "training.steps",
    "seed": "training.seed",
    "accumulate": "training.accumulate",
    "kvstore": "training.kvstore",
    "optimizer": "optimizer.name",
    "learning_rate": "optimizer.learning_rate",
    "weight_decay": "optimizer.wd",
    "schedule": "learning_rate.mode",
    "warmup": "learning_rate.warmup",
    "label_smoothing": "loss.label_smoothing",
    "mixup": "loss.mixup",
    "ema": "average.decay",
    "clip_threshold": "model.clip_threshold",
    "params": "model.params",
    "teacher": "teacher.model",
    "checkpoint_steps": "checkpoints.steps",
}


@click.command(
    epilog=example(
        "bmx train --recipe mnist_quick --output digits",
        "bmx train --model resnete18 --set model.arguments.thumbnail=true --dataset cifar10 --epochs 100",
        "bmx train my.toml --seed 1 --output second",
        "bmx train --resume --output digits",
    )
)
@click.argument("config", metavar="[CONFIG.toml]", required=False)
@click.option("--recipe", metavar="NAME", help="Start from a recipe of `bmx list recipes`.")
@click.option(
    "--model",
    metavar="NAME",
    help="Zoo model, gluoncv:NAME, binarized:NAME, module:function or NAME-symbol.json.",
)
@click.option(
    "--dataset", metavar="NAME", help="For example mnist, fashion-mnist, cifar10; random for noise."
)
@click.option("--root", metavar="FOLDER", help="Folder of the data set.")
@click.option("--epochs", type=int)
@click.option("--steps", type=int, help="Updates after which each stage stops.")
@click.option("--batch-size", type=int, help="Images of a pass, on each machine.")
@click.option("--accumulate", type=int, help="Passes that make one update.")
@click.option("--augmentation", metavar="LEVEL", help="none, low, medium or high.")
@click.option("--optimizer", metavar="NAME", help="adam, radam, sgd, nag, ...")
@click.option("--learning-rate", type=float)
@click.option("--weight-decay", type=float)
@click.option("--schedule", metavar="NAME", help="constant, cosine, poly, step or exponential.")
@click.option("--warmup", type=float, metavar="EPOCHS")
@click.option("--clip-threshold", type=float, help="Bound of |x| up to which signs pass gradients.")
@click.option("--label-smoothing", type=float)
@click.option("--mixup", type=float, metavar="ALPHA")
@click.option("--ema", type=float, metavar="DECAY", help="Average the weights; 0.999 for example.")
@click.option("--teacher", metavar="NAME", help="Net to learn from, named as --model.")
@click.option("--params", metavar="FILE", help="Parameters to start from.")
@click.option("--seed", type=int, help="Seed of all random numbers.")
@click.option("--kvstore", metavar="KIND", help="local, dist_sync, dist_device_sync or dist_async.")
@click.option("--checkpoint-steps", type=int, help="Updates from one checkpoint to the next within an epoch.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any other setting, as in a config."
)
@click.option(
    "--output", default="training", show_default=True, metavar="FOLDER", help="Folder of the results."
)
@click.option("--resume", is_flag=True, help="Resume the training in the output folder.")
@click.option("--overwrite", is_flag=True, help="Delete the training in the output folder.")
@click.option(
    "--export", metavar="FILE.bmx", help="Pack the best net at the end, verify it and measure its latency."
)
@json_option
def train(
    config: str | None,
    recipe: str | None,
    model: str | None,
    settings: tuple[str, ...],
    output: str,
    resume: bool,
    overwrite: bool,
    export: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a net: by a recipe, a config, or --model and --dataset.

    CONFIG.toml has the sections of a recipe; options override it, and both override --recipe. The output
    folder gets config.toml, log.txt, events (TensorBoard), checkpoints, best.params, last.params,
    training.svg and result.json. A training that was stopped resumes with --resume and ends with the same
    parameters.
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite: give one of them")
    # With --json only JSON may reach stdout.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        from bmx import training as _  # noqa: F401  prepares MXNet
        from bmx.training.run import train as run

        given = {name: value for name, value in options.items() if value is not None}
        described = _describe(config, recipe, model, given, settings, output, resume)
        result = run(described, output, resume, overwrite, log=click.echo)
        if not result:  # another machine has the results
            return
        if export is not None:
            result = {**result, **_export(described, output, export)}
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        _print(result, output)


def _describe(
    path: str | None,
    recipe: str | None,
    model: str | None,
    options: dict[str, Any],
    settings: tuple[str, ...],
    output: str,
    resume: bool,
) -> Any:
    """The description that the arguments make."""
    from bmx.training import toml
    from bmx.training.reading import merge
    from bmx.training.recipes import read_recipe
    from bmx.training.run_dir import RunDir
    from bmx.training.schema import Config

    if not (path or recipe or model):
        if resume and not options and not settings:
            return RunDir(Path(output)).config()
        raise click.UsageError(
            "say what to train: CONFIG.toml, --recipe NAME, or --model NAME --dataset NAME"
        )
    table = read_recipe(recipe) if recipe else {}
    if path:
        table = merge(table, toml.read(path))
    if model and model != table.get("model", {}).get("name"):
        table = {**table, "model": {"name": model}}
    changes = [(_PLACES[name], value) for name, value in options.items()]
    changes += [_setting(text) for text in settings]
    for place, value in changes:
        table = _changed(table, place, value)
    return Config.from_dict(table, path or recipe or "arguments")


def _setting(text: str) -> tuple[str, Any]:
    from bmx.training import toml

    place, equals, value = text.partition("=")
    if not equals or not place:
        raise click.UsageError(f"--set {text}: expected KEY=VALUE, for example optimizer.wd=1e-4")
    return place, toml.parse_value(value)


def _changed(table: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The description with one value changed, also in stages that have a value of their own."""
    from bmx.training.reading import merge

    nested: Any = value
    for key in reversed(place.split(".")):
        nested = {key: nested}
    changed = merge(table, nested)
    section = place.partition(".")[0]
    if "stages" in table and section != "stages":
        changed["stages"] = [_without(stage, place.split(".")) for stage in table["stages"]]
    return changed


def _without(table: Any, keys: list[str]) -> Any:
    if not isinstance(table, Mapping) or keys[0] not in table:
        return table
    if len(keys) == 1:
        return {key: value for key, value in table.items() if key != keys[0]}
    return {**table, keys[0]: _without(table[keys[0]], keys[1:])}


def _export(described: Any, output: str, path: str) -> dict[str, Any]:
    """Packs the best net, compares it with MXNet on held-out images, and measures the packed file."""
    import numpy as np

    from bmx import runtime
    from bmx.exporter import export
    from bmx.training.run import best_net

    net, source = best_net(described, output)
    sample, _ = next(iter(source.held_out()))
    sample = sample[:64].asnumpy()
    report = export(net, path, source.shape, source.preprocessing, source.classes, sample=sample)
    session = runtime.Model(path).session()
    return {
        "export": path,
        "bytes": Path(path).stat().st_size,
        "agreement": None if report is None else report.as_dict(),
        "latency_ms": float(np.median(session.time(sample[:1]))),
    }


def _print(result: dict[str, Any], output: str) -> None:
    accuracy = f"{100 * result['accuracy']:.2f} % of the held-out images (epoch {result['best_epoch']})"
    click.echo(f"{output}: {accuracy}, {result['seconds']:.0f} s of training; best.params has the net")
    if "export" in result:
        click.echo(
            f"{result['export']}: {result['bytes']:,} bytes, {result['latency_ms']:.3f} ms for an image"
        )
