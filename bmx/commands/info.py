"""`bmx info`: the content of a packed file, its memory, and drawings of its graph."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.support.options import batch_option, example, isa_option, json_option, threads_option


@click.command(
    epilog=example(
        "bmx info demo/lenet.bmx",
        "bmx info demo/lenet.bmx --memory --batch 8",
        "bmx info demo/lenet.bmx --svg lenet.svg",
    )
)
@click.argument("file")
@click.option("--memory", is_flag=True, help="Also show the memory of a session.")
@batch_option
@threads_option
@isa_option
@click.option("--dot", metavar="OUT.dot", help="Write the graph as Graphviz text.")
@click.option("--svg", metavar="OUT.svg", help="Draw the graph.")
@json_option
def info(
    file: str,
    memory: bool,
    batch: int | None,
    threads: int,
    isa: str | None,
    dot: str | None,
    svg: str | None,
    as_json: bool,
) -> None:
    """Show what is in a packed FILE; needs no MXNet.

    --batch and --threads belong to the session whose memory is shown.
    """
    from bmx import runtime
    from bmx.commands.support.drawing import to_svg
    from bmx.commands.support.graph import bits_text, to_dot, totals_of
    from bmx.files import write_atomically

    if (batch is not None or threads > 1) and not memory:
        raise click.UsageError("--batch and --threads are for --memory; add it")
    model = runtime.Model(file, isa=isa)
    description = model.info()
    needs = _memory(model.memory(batch or 1, threads)) if memory else None
    for path, write in ((dot, to_dot), (svg, to_svg)):
        if path is not None:
            write_atomically(path, write(description).encode())
    if as_json:
        for node in description["nodes"]:
            node["bits"] = bits_text(node, description["nodes"]) or None
        description["totals"] = totals_of(description["nodes"])
        if needs is not None:
            description["memory"] = needs
        click.echo(json.dumps(description, indent=2))
        return
    _print(file, description)
    if needs is not None:
        _print_memory(needs)
    for path in filter(None, (dot, svg)):
        click.echo(f"wrote {path}")


def _memory(memory: Any) -> dict[str, Any]:
    """The memory as a dictionary, with the ratio of the arena to the smallest possible one."""
    needs: dict[str, Any] = memory._asdict()
    needs["arena_ratio"] = memory.arena_bytes / memory.live_bytes if memory.live_bytes else 1.0
    return needs


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
    from rich.markup import escape
    from rich.table import Table

    from bmx.commands.support.graph import bits_text, kind_of, macs_of, totals_of, type_of

    totals = totals_of(nodes)
    number = {node["name"]: index for index, node in enumerate(nodes, start=1)}
    table = Table(box=SIMPLE, show_footer=True, padding=(0, 1))
    table.add_column("#", justify="right")
    table.add_column("node", "total")
    table.add_column("operator")
    table.add_column("output")
    table.add_column("bits", justify="right")
    table.add_column("weights", f"{totals['weight_bytes']:,} B", justify="right")
    table.add_column("binary MACs", f"{totals['macs']['binary']:,}", justify="right")
    table.add_column("float MACs", f"{totals['macs']['float']:,}", justify="right")
    table.add_column("fused", justify="right")
    for node in nodes:
        step = number[node["computed_by"]]
        macs = {kind_of(node): f"{macs_of(node, nodes):,}"}
        table.add_row(
            str(number[node["name"]]),
            escape(node["name"]),
            node["op"],
            escape(type_of(node)),
            bits_text(node, nodes),
            f"{node['weight_bytes']:,} B" if node["weight_bytes"] else "",
            macs.get("binary", ""),
            macs.get("float", ""),
            f"in {step}" if step != number[node["name"]] else "",
        )
    return table


def _print_memory(needs: dict[str, Any]) -> None:
    batch = f"batch {needs['batch']:,}"
    if needs["slice_samples"] < needs["batch"]:
        batch += f" in slices of {needs['slice_samples']:,}"
    threads = f"{needs['threads']} thread{'s' if needs['threads'] > 1 else ''}"
    rows = {
        "arena": f"{needs['arena_bytes']:,} B for {batch}",
        "live": f"{needs['live_bytes']:,} B at most in a step; the arena is {needs['arena_ratio']:.3f}x that",
        "workspace": f"{needs['workspace_bytes']:,} B for {threads}",
        "outputs": f"{needs['output_bytes']:,} B",
        "weights": f"{needs['packed_bytes']:,} B, repacked; the file has {needs['file_bytes']:,} B",
    }
    for title, text in rows.items():
        click.echo(f"{title:>10}  {text}")


def _value(value: dict[str, Any]) -> str:
    from bmx.commands.support.graph import type_of

    return f"{value['name']} {type_of(value)}"


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
