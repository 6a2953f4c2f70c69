"""`bmx run`: feeds one file to a packed model."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.options import example, isa_option, json_option


@click.command(
    epilog=example(
        "bmx run demo/lenet.bmx --input digit.png --top 3",
        "bmx run demo/lenet.bmx --input x.npy --output y.npy",
    )
)
@click.argument("file")
@click.option("--input", "input_path", required=True, metavar="X", help="A .npy file or an image.")
@click.option("--output", metavar="Y.npy", help="Write the whole output here.")
@click.option(
    "--top", type=click.IntRange(min=1), default=5, show_default=True, help="How many classes to print."
)
@isa_option
@json_option
def run(file: str, input_path: str, output: str | None, top: int, isa: str | None, as_json: bool) -> None:
    """Run a packed FILE on an array or an image; needs no MXNet.

    An image is turned grey if the model has one channel, scaled to the input's size, and
    preprocessed as the file says.
    """
    from bmx import runtime
    from bmx.commands.arrays import load_array, load_image, save_array

    model = runtime.Model(file, isa=isa)
    if input_path.endswith(".npy"):
        inputs = load_array(input_path)
        if inputs.ndim == len(model.inputs[0].shape):
            inputs = inputs[None]
    else:
        inputs = load_image(input_path, tuple(model.inputs[0].shape))
    result = model(inputs)
    if output:
        save_array(output, result)
    rows = result if result.ndim == 2 else ()
    ranking = [_top_classes(scores, model.classes, top) for scores in rows]
    if as_json:
        click.echo(json.dumps({"shape": list(result.shape), "isa": model.isa, "top": ranking}, indent=2))
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
