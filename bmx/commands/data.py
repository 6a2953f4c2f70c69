"""`bmx data`: fetch and check data sets."""

from __future__ import annotations

import click

from bmx.commands.options import example

_SETS = click.Choice(["mnist"])


@click.group(epilog=example("bmx data fetch mnist"))
def data() -> None:
    """Fetch and check data sets (in $BMX_HOME, ~/.bmx by default)."""


@data.command(epilog=example("bmx data fetch mnist"))
@click.argument("name", metavar="NAME", type=_SETS)
def fetch(name: str) -> None:
    """Bring the data set NAME (mnist) to this machine; does nothing if it is complete."""
    from bmx.gluon.data.mnist_fetch import fetch_mnist

    fetch_mnist(log=click.echo)


@data.command(epilog=example("bmx data check mnist"))
@click.argument("name", metavar="NAME", type=_SETS)
def check(name: str) -> None:
    """Compare the files of the data set NAME (mnist) with the published checksums."""
    from bmx.gluon.data.mnist import MNIST

    mnist = MNIST()
    damaged = mnist.damaged()
    if damaged:
        raise click.ClickException(
            f"{mnist.root}: missing or damaged: {', '.join(damaged)}; run 'bmx data fetch {name}'"
        )
    click.echo(f"{mnist.root}: complete, all checksums match")
