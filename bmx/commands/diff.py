"""`bmx diff`: the differences between a net and its packed file, layer by layer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from bmx.commands.support.options import comparison_options, example
from bmx.commands.support.source import load_net

if TYPE_CHECKING:
    from bmx.verification import LayerReport, LayerRow


@click.command(epilog=example("bmx diff lenet demo/lenet.bmx --params demo/lenet.params"))
@comparison_options(samples=8, of_what="a layer")
def diff(
    source: str,
    file: str,
    params: str | None,
    samples: tuple[str, ...],
    tolerance: float,
    isa: str | None,
    as_json: bool,
) -> None:
    """Show layer by layer where a net in MXNet and its packed FILE differ.

    'difference' and 'bits' compare each layer on the inputs of MXNet's layer, so they are the layer's own;
    'in the file' is the difference that has added up to that layer as the file runs. A bit that differs
    because its number is zero to within rounding is a tie. The exit code is 1 if a layer differs by more than
    the tolerance, or in a bit that is no tie.
    """
    import bmx
    from bmx.commands.support.arrays import load_samples
    from bmx.verification import compare_layers

    model = bmx.runtime.Model(file, isa=isa)
    inputs = load_samples(samples)
    net = load_net(source, params, model.outputs[0].shape[-1])
    report = compare_layers(net, file, inputs, tolerance=tolerance, isa=isa)
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2))
    else:
        _print(file, report)
    if report.diverging:
        raise click.ClickException(
            f"{file}: the first layer that differs from {source} is {report.diverging.describe()}"
        )
    if not report.fusing_agrees:
        raise click.ClickException(
            f"{file}: its layers together answer otherwise than one by one; please report this as a bug"
        )


def _print(file: str, report: LayerReport) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1))
    for title in ("", "layer", "operator"):
        table.add_column(title)
    for title in ("difference", "relative", "bits", "ties", "in the file"):
        table.add_column(title, justify="right")
    for row in report.layers:
        table.add_row(*_cells(row, row is report.diverging))
    console = Console(highlight=False, width=200)  # rows stay whole in a narrow terminal
    console.print(f"{file}: {report.samples} samples on {report.isa}", markup=False)
    console.print(table)


def _cells(row: LayerRow, is_first: bool) -> list[str]:
    mark = "->" if is_first else "" if row.agrees else "!"
    if row.fused:
        return [mark, row.layer, row.operator, "fused", "", "", "", ""]
    if row.bits is not None:
        return [
            mark,
            row.layer,
            row.operator,
            "",
            "",
            str(row.bits),
            str(row.ties),
            f"{row.accumulated:.0f} {'bits' if row.dtype == 'bits' else 'codes'}",
        ]
    difference, relative = f"{row.max_abs_difference:.2g}", f"{row.relative_difference:.2g}"
    return [mark, row.layer, row.operator, difference, relative, "", "", f"{row.accumulated:.2g}"]
