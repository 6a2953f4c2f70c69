"""`bmx widths`: a search for the widths of a binary net's layers."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from bmx.commands.support.options import Numbers, example, json_option
from bmx.commands.support.source import find_function

DEMONSTRATION = "bmx.training.widths.demonstration:build"
QUICK = {
    "population": 3,
    "generations": 1,
    "epochs": 1,
    "images": 300,
    "validation": 200,
    "final_epochs": 1,
}
_QUICK_DIGITS = (600, 200)  # to train on, to test with
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
_AT_LEAST_1 = click.IntRange(min=1)


@click.command(
    epilog=example(
        "bmx widths --quick",
        "bmx widths --budget 0.5 --output half",
        "bmx widths train:build --layers 4 --data cifar.npz --epochs 5 --final-epochs 100",
    )
)
@click.argument("source", required=False)
@click.option("--layers", type=_AT_LEAST_1, help="Layers of SOURCE whose width is free.")
@click.option(
    "--data",
    metavar="FILE.npz",
    help="Arrays train_images, train_labels, test_images, test_labels; images float32 [count, channels, "
    "height, width]. MNIST by default.",
)
@click.option(
    "--output", default="widths", show_default=True, metavar="FOLDER", help="Folder of the results."
)
@click.option("--ratios", type=Numbers(), help="Factors of a width; 0.25,0.5,1,1.5,2,3,4 by default.")
@click.option("--budget", default=1.0, show_default=True, help="Cost relative to the net with all ratios 1.")
@click.option(
    "--population", type=click.IntRange(min=2), default=8, show_default=True, help="Nets at a time."
)
@click.option("--generations", type=click.IntRange(min=0), default=5, show_default=True)
@click.option(
    "--epochs", type=_AT_LEAST_1, default=3, show_default=True, help="Epochs of a candidate's training."
)
@click.option(
    "--images", type=_AT_LEAST_1, default=2000, show_default=True, help="Images that candidates learn from."
)
@click.option(
    "--validation",
    type=_AT_LEAST_1,
    default=1000,
    show_default=True,
    help="Training images that are held out to choose by.",
)
@click.option(
    "--final-epochs",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Epochs of the best net's longer training on all training images; 0 for none.",
)
@click.option("--batch-size", type=_AT_LEAST_1, default=64, show_default=True)
@click.option("--learning-rate", default=3e-3, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Seed of all random numbers.")
@click.option("--quick", is_flag=True, help="Few nets, images and epochs, to see that it runs.")
@json_option
def widths(source: str | None, as_json: bool, **options: Any) -> None:
    """Search the width ratios of a binary net's layers: the most accurate net within a cost budget.

    SOURCE is module:function; the function takes a tuple of ratios and returns the net, not initialized.
    Without SOURCE, a small LeNet for digits with three free widths. Cost is binary multiplications / 64 plus
    float ones.

    Writes evaluations.jsonl (a line for each net that was tried), best.json, pareto.svg and best.params to
    the output folder. A search that was stopped resumes when the same command is given again.
    """
    _check(source, options)
    if options["quick"]:
        given = click.get_current_context().get_parameter_source
        default = click.core.ParameterSource.DEFAULT
        options.update({name: value for name, value in QUICK.items() if given(name) == default})
    # With --json only JSON may reach stdout.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        found = _search(source or DEMONSTRATION, options)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _print(found, Path(options["output"]))


def _check(source: str | None, options: dict[str, Any]) -> None:
    """Raises click.UsageError for mistakes that show without the net."""
    if source is None and options["layers"] is not None:
        raise click.UsageError("--layers goes with a SOURCE; the net for digits has 3 free widths")
    if source is not None and options["layers"] is None:
        raise click.UsageError(f"--layers: say how many widths {source} takes")
    if options["data"] is not None and not os.path.isfile(options["data"]):
        raise click.UsageError(f"--data: there is no file {options['data']}")


def _search(source: str, options: dict[str, Any]) -> dict[str, Any]:
    """Searches, trains the best longer, and writes the files; returns the content of best.json."""
    from bmx.training import widths as w
    from bmx.training.widths.demonstration import LAYERS

    w.require_matplotlib()
    settings = w.Settings(
        layers=options["layers"] or LAYERS,
        ratios=tuple(options["ratios"] or w.RATIOS),
        **{name: options[name] for name in ("budget", "population", "generations", "seed")},
    )
    fields = {name: options[name] for name in w.Training._fields if name in options}
    build, data = find_function(source), _data(options)
    problem = w.Problem(build, settings.layers, data, w.Training(**fields), settings.seed, click.echo)
    folder = Path(options["output"])
    with w.Journal(folder, _identity(source, settings, problem, options)) as journal:
        outcome = w.search(problem.evaluate, settings, journal, problem.cost)
        if options["final_epochs"] and journal.final is None:
            journal.set_final(_finish(problem, outcome.best.genome, options["final_epochs"], folder))
        found = w.report(outcome, problem, settings.budget, source, journal.final)
    _write(folder / "pareto.svg", w.front_svg(outcome, settings.budget))
    _write(folder / "best.json", (json.dumps(found, indent=2) + "\n").encode())
    return found


def _identity(source: str, settings: Any, problem: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Everything that tells this search from another."""
    return {
        "source": source,
        **settings.__dict__,
        **problem.describe(),
        "final_epochs": options["final_epochs"],
    }


def _finish(problem: Any, genome: tuple[float, ...], epochs: int, folder: Path) -> dict[str, Any]:
    """Trains the best net longer and keeps its parameters."""
    final = problem.finish(genome, epochs)
    with tempfile.TemporaryDirectory() as temporary:
        parameters = Path(temporary) / "best.params"
        final.net.save_parameters(str(parameters))
        _write(folder / "best.params", parameters.read_bytes())
    return {
        "epochs": epochs,
        "validation_accuracy": final.validation_accuracy,
        "test_accuracy": final.test_accuracy,
    }


def _data(options: dict[str, Any]) -> Any:
    import numpy as np

    from bmx.training.widths import Data
    from bmx.training.widths.demonstration import digits

    if options["data"] is None:
        return digits(*_QUICK_DIGITS) if options["quick"] else digits()
    with np.load(options["data"]) as arrays:
        missing = [name for name in _ARRAYS if name not in arrays]
        if missing:
            raise ValueError(
                f"{options['data']}: there is no array {missing[0]}; expected {', '.join(_ARRAYS)}"
            )
        return Data(*(arrays[name] for name in _ARRAYS))


def _write(path: Path, content: bytes) -> None:
    from bmx.files import write_atomically

    write_atomically(str(path), content)


def _print(found: dict[str, Any], folder: Path) -> None:
    """The Pareto front as a table, and the lines that build the best net."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Pareto front of {found['evaluations']} nets")
    for title in ("ratios", "held out", "cost", "binary MACs", "float MACs"):
        table.add_column(title, justify="left" if title == "ratios" else "right")
    for item in found["front"]:
        table.add_row(
            " ".join(f"{ratio:g}" for ratio in item["ratios"]),
            f"{100 * item['validation_accuracy']:.2f} %",
            f"{item['cost']:.3f}",
            f"{item['binary_macs']:,}",
            f"{item['float_macs']:,}",
            style="bold" if item["ratios"] == found["best"]["ratios"] else None,
        )
    console = Console()
    console.print(table)
    within = "the best within" if found["best"]["cost"] <= found["budget"] else "none is within"
    click.echo(
        f"{within} the budget of {found['budget']:g}; {folder / 'pareto.svg'} shows all; build it with"
    )
    click.echo(f"  {found['build']}")
    if found["final"]:
        final = found["final"]
        click.echo(f'  net.load_parameters("{folder / "best.params"}")')
        click.echo(f"{100 * final['test_accuracy']:.2f} % of the test images after {final['epochs']} epochs")
