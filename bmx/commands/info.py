"""`bmx info`: what is in a packed file."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.options import example, json_option


@click.command(epilog=example("bmx info demo/lenet.bmx", "bmx info demo/lenet.bmx --json"))
@click.argument("file")
@json_option
def info(file: str, as_json: bool) -> None:
    """Show what is in a packed FILE; needs no MXNet."""
    from bmx import runtime

    description = runtime.Model(file).info()
    if as_json:
        click.echo(json.dumps(description, indent=2))
    else:
        _print(file, description)


def _print(file: str, description: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=200)  # rows of the table stay whole in a narrow terminal
    facts = {
        "file": f"{file}, {description['file_bytes']:,} bytes, format {description['format_version']}",
        "written by": description["producer"],
        "inputs": ", ".join(map(_input, description["inputs"])),
        "outputs": ", ".join(map(_value, description["outputs"])),
        "classes": ", ".join(description["classes"] or []) or "none",
        "verified": _verification(description["report"]),
        "kernels": description["isa"],
    }
    for title, fact in facts.items():
        console.print(f"{title:>10}  {fact}", markup=False, soft_wrap=True)
    console.print(_node_table(description["nodes"]))


def _node_table(nodes: list[dict[str, Any]]) -> Any:
    """One row per node; a node that is fused into another one's step says which."""
    from rich.box import SIMPLE
    from rich.table import Table

    number = {node["name"]: index for index, node in enumerate(nodes, start=1)}
    table = Table(box=SIMPLE, show_footer=True, padding=(0, 1))
    table.add_column("#", justify="right")
    table.add_column("node", "total")
    table.add_column("operator")
    table.add_column("output")
    table.add_column("weights", f"{sum(node['weight_bytes'] for node in nodes):,} B", justify="right")
    table.add_column("MACs", f"{sum(node['macs'] for node in nodes):,}", justify="right")
    table.add_column("fused", justify="right")
    for node in nodes:
        step = number[node["computed_by"]]
        table.add_row(
            str(number[node["name"]]),
            node["name"],
            node["op"],
            _type(node),
            f"{node['weight_bytes']:,} B" if node["weight_bytes"] else "",
            f"{node['macs']:,}" if node["macs"] else "",
            f"in {step}" if step != number[node["name"]] else "",
        )
    return table


def _type(value: dict[str, Any]) -> str:
    return f"{value['dtype']} [{', '.join(map(str, value['shape']))}]"


def _value(value: dict[str, Any]) -> str:
    return f"{value['name']} {_type(value)}"


def _input(value: dict[str, Any]) -> str:
    rule = value.get("preprocessing")
    if not rule:
        return _value(value)
    return f"{_value(value)}, images as (pixel * {rule['scale']:.6g} - {rule['mean']}) / {rule['std']}"


def _verification(report: dict[str, Any] | None) -> str:
    if not report:
        return "not recorded in the file"
    return (
        f"{report['samples']} samples, max |difference| to MXNet {report['max_abs_difference']:.2g}, "
        f"top-1 agreement {report['top1_agreement']:.4f}"
    )
