"""`bmx run`: the answer of a packed file to one array or image."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.support.options import example, isa_option, json_option, threads_option


@click.command(
    epilog=example(
        "bmx run demo/lenet.bmx --input digit.png --top 3",
        "bmx run demo/lenet.bmx --input x.npy --output y.npy",
    )
)
@click.argument("file")
@click.option("--input", "input_path", required=True, metavar="X", help="A .npy file or an image.")
@click.option(
    "--output",
    metavar="Y.npy",
    help="Write the whole output here; Y.npz for a model of several outputs, all of them by name.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=5, show_default=True, help="Number of classes to print."
)
@threads_option
@isa_option
@json_option
def run(
    file: str, input_path: str, output: str | None, top: int, threads: int, isa: str | None, as_json: bool
) -> None:
    """Run a packed FILE on an array or an image; needs no MXNet.

    An image is turned gray if the model has one channel, scaled to the input's size, and
    preprocessed as the file says. Classes are those of the first output.
    """
    from bmx import runtime
    from bmx.commands.support.arrays import load_input, save_array, save_arrays

    if output and not output.endswith((".npy", ".npz")):
        raise click.UsageError(
            f"--output: expected a .npy file, or a .npz file for a model of several outputs, found {output}"
        )
    model = runtime.Model(file, isa=isa)
    several = len(model.outputs) > 1
    if output and several != output.endswith(".npz"):
        expected = "all of them go into one .npz file" if several else "it goes into a .npy file"
        raise ValueError(f"--output {output}: the model has {len(model.outputs)} output(s); {expected}")
    outputs = model.session(threads).run_dict(load_input(input_path, model.inputs))
    result = outputs[model.outputs[0].name]
    if output and several:
        save_arrays(output, outputs)
    elif output:
        save_array(output, result)
    rows = result if result.ndim == 2 else ()
    ranking = [_top_classes(scores, model.classes, top) for scores in rows]
    if as_json:
        shapes = {name: list(array.shape) for name, array in outputs.items()}
        report = {"shape": list(result.shape), "outputs": shapes, "isa": model.isa, "top": ranking}
        click.echo(json.dumps(report, indent=2))
    elif ranking:
        _print_ranking(ranking)
    else:
        click.echo(
            f"output of shape {tuple(result.shape)}{f' in {output}' if output else '; --output writes it'}"
        )


def _top_classes(scores: Any, classes: Any, top: int) -> list[dict[str, Any]]:
    """The classes with the largest scores, best first; equal scores in the order of their index."""
    order = (-scores).argsort(kind="stable")[:top]
    return [
        {
            "class": int(index),
            "label": classes[index] if classes else str(index),
            "score": float(scores[index]),
        }
        for index in order
    ]


def _print_ranking(ranking: list[list[dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for title in ("sample", "rank", "class", "score"):
        table.add_column(title, justify="left" if title == "class" else "right")
    for sample, entries in enumerate(ranking):
        for rank, entry in enumerate(entries, start=1):
            table.add_row(str(sample), str(rank), entry["label"], f"{entry['score']:.4f}")
    Console().print(table)
