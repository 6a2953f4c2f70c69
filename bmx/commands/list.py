"""`bmx list`: names of models, data sets, recipes and quantizers."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.support.options import example, json_option


@click.group("list", epilog=example("bmx list models"))
def list_group() -> None:
    """List what there is to choose from."""


@list_group.command(epilog=example("bmx list models --json"))
@json_option
def models(as_json: bool) -> None:
    """List the model zoo: names, papers, and the accuracy on ImageNet that was published."""
    from bmx.gluon.model_zoo import registry

    names = registry.list_models()
    click.echo(json.dumps(names) if as_json else "\n".join(_model(name) for name in names))


@list_group.command(epilog=example("bmx list datasets --json"))
@json_option
def datasets(as_json: bool) -> None:
    """List the data sets that trainings know by name."""
    from bmx.gluon.data import DATASETS

    if as_json:
        click.echo(json.dumps({name: dataset.title for name, dataset in DATASETS.items()}, indent=2))
        return
    for name, dataset in DATASETS.items():
        click.echo(f"{name:<18}{dataset.title}")


@list_group.command(epilog=example("bmx list recipes --json"))
@json_option
def recipes(as_json: bool) -> None:
    """List the recipes of `bmx train`."""
    from bmx.training.recipes import list_recipes, read_recipe
    from bmx.training.schema import Config

    described = {name: Config.from_dict(read_recipe(name), name) for name in list_recipes()}
    if as_json:
        click.echo(json.dumps({name: config.to_dict() for name, config in described.items()}, indent=2))
        return
    for name, config in described.items():
        paper = f" ({config.paper})" if config.paper else ""
        click.echo(f"{name:<18}{config.title}{paper}")


@list_group.command(epilog=example("bmx list quantizers --json"))
@json_option
def quantizers(as_json: bool) -> None:
    """List the quantizers that layers know by name."""
    from bmx.gluon.nn import quantizers

    found = [_quantizer(name, quantizers.quantizer_class(name)) for name in quantizers.list_quantizers()]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for entry in found:
        arguments = ", ".join(f"{name}={default!r}" for name, default in entry["arguments"].items())
        click.echo(f"{entry['name']:<18}{entry['class']}({arguments})")
        learned = f"; parameters {', '.join(entry['learned'])}" if entry["learned"] else ""
        click.echo(f"{'':<18}{entry['kind']}, {_bits(entry['bits'])}{learned}")
        click.echo(f"{'':<18}{entry['summary']}")


def _model(name: str) -> str:
    from bmx.gluon.model_zoo import registry

    _, _, _, paper, published = registry.find(name)
    accuracy = f"{published.top1:4g} % ({published.source})" if published.top1 else ""
    return f"{name:<26}{paper.name if paper else '':<17}{accuracy}".rstrip()


def _quantizer(name: str, cls: Any) -> dict[str, Any]:
    from bmx.gluon.nn.quantizers import arguments_of

    default = cls()
    return {
        "name": name,
        "class": cls.__name__,
        "kind": default.kind,
        "bits": default.bits,
        "arguments": arguments_of(cls),
        "learned": [learned.name for learned in default.learned],
        "summary": cls.__doc__.strip().splitlines()[0],
    }


def _bits(count: int) -> str:
    return "1 bit" if count == 1 else f"{count} bits"
