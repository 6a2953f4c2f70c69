"""`bmx summary`: weights, sizes and multiply-accumulates of a net, counted as the literature's tables do."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from bmx.commands.support.options import Shape, example, json_option
from bmx.commands.support.source import UNTRAINED, build_net, params_option, source_argument


@click.command(
    epilog=example(
        "bmx summary lenet",
        "bmx summary mynet:build --input 1,3,32,32 --convention larq",
        "bmx summary demo/lenet.bmx",
    )
)
@source_argument(UNTRAINED)
@params_option
@click.option(
    "--input",
    "input_shape",
    type=Shape(),
    metavar="SHAPE",
    help="Shape of the input, batch axis first; a zoo model has a default.",
)
@click.option(
    "--classes", type=click.IntRange(min=1), help="Classes of a zoo model; its own default if left out."
)
@click.option(
    "--convention",
    type=click.Choice(("hpi", "larq")),
    default="hpi",
    show_default=True,
    help="hpi: 2 parameters a channel of a batch norm, MACs of convolutions only; larq: 4, and all MACs.",
)
@json_option
def summary(
    source: str,
    params: str | None,
    input_shape: tuple[int, ...] | None,
    classes: int | None,
    convention: str,
    as_json: bool,
) -> None:
    """Count what SOURCE holds and computes for one sample.

    SOURCE may be a packed file, too, whose layers are shown as they run: batch norms are folded there.
    """
    if source.endswith(".bmx"):
        _packed(source, as_json)
        return
    from bmx import summarize

    net, shape = build_net(source, params, classes, input_shape)
    found = summarize.summary(net, shape, convention)
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else _text(found))


def _packed(path: str, as_json: bool) -> None:
    from bmx.commands.info import info

    if not os.path.isfile(path):
        raise click.UsageError(f"SOURCE: there is no file {path}")
    click.get_current_context().invoke(info, file=path, as_json=as_json)


def _text(found: Any) -> str:
    """The table and the totals."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1))
    table.add_column("layer")
    table.add_column("operator")
    for title in ("output", "weights", "bits", "bytes", "float MACs", "binary MACs"):
        table.add_column(title, justify="right")
    for row in found.layers:
        table.add_row(
            row.name,
            row.operator,
            "x".join(map(str, row.shape)),
            f"{row.weights:,}",
            f"{row.weight_bits}x{row.input_bits}",
            f"{row.size_bytes:,.0f}",
            f"{row.macs:,}" if row.is_float else "",
            f"{row.binary_macs:,}" if row.binary_macs else "",
        )
    console = Console(highlight=False, width=200)
    with console.capture() as capture:
        console.print(table)
        for title, value in (
            (
                "parameters",
                f"{found.params:,} ({found.binary_params:,} quantized, {found.float_params:,} float)",
            ),
            ("size", f"{found.size_bytes:,} bytes ({found.size_bytes / 2**20:.3f} MiB)"),
            ("float MACs", f"{found.float_macs:,}"),
            ("binary MACs", f"{found.binary_macs:,}"),
            ("ops", f"{found.ops:,.0f} (float MACs + binary MACs / 64), counted as {found.convention} does"),
        ):
            console.print(f"{title:>12}  {value}", markup=False)
    return capture.get().rstrip()
