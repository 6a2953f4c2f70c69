"""`bmx list`: what there is to choose from."""

from __future__ import annotations

import json

import click

from bmx.commands.options import example, json_option


@click.group("list", epilog=example("bmx list models"))
def list_group() -> None:
    """List what there is to choose from."""


@list_group.command(epilog=example("bmx list models --json"))
@json_option
def models(as_json: bool) -> None:
    """List the names of the model zoo."""
    from bmx.gluon import model_zoo

    names = model_zoo.list_models()
    click.echo(json.dumps(names) if as_json else "\n".join(names))
