"""`bmx bench`: the speed of a packed file on this machine, and the time of each step."""

from __future__ import annotations

import json
from typing import Any

import click

from bmx.commands.support.options import batch_option, example, isa_option, json_option, threads_option


@click.command(
    epilog=example(
        "bmx bench demo/lenet.bmx --layers",
        "bmx bench net.bmx --threads 2 --batch 8 --runs 200 --json",
    )
)
@click.argument("file")
@click.option(
    "--input", "input_path", metavar="X", help="A .npy file or an image; random numbers by default."
)
@batch_option
@threads_option
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Number of runs to measure.",
)
@isa_option
@click.option("--layers", is_flag=True, help="Also measure each step, in as many further runs.")
@json_option
def bench(
    file: str,
    input_path: str | None,
    batch: int | None,
    threads: int,
    runs: int,
    isa: str | None,
    layers: bool,
    as_json: bool,
) -> None:
    """Measure a packed FILE: time of whole runs, memory, and with --layers each step; needs no MXNet."""
    from bmx import runtime
    from bmx.commands.support.arrays import load_input

    if input_path is not None and batch is not None:
        raise click.UsageError("--batch is for random numbers; the array of --input has a batch of its own")
    model = runtime.Model(file, isa=isa)
    inputs = model.random_inputs(batch or 1) if input_path is None else [load_input(input_path, model.inputs)]
    session = model.session(threads)
    report = _report(file, model, session, inputs, runs)
    if layers:
        report["layers"] = [step._asdict() for step in session.profile(inputs, runs).steps]
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)


def _report(file: str, model: Any, session: Any, inputs: list[Any], runs: int) -> dict[str, Any]:
    import numpy as np

    times = session.time(inputs, runs)
    batch = int(inputs[0].shape[0])
    median = float(np.median(times))
    return {
        "file": file,
        "isa": model.isa,
        "threads": session.threads,
        "batch": batch,
        "runs": runs,
        "median_ms": median,
        "p95_ms": float(np.percentile(times, 95)),
        "min_ms": float(times.min()),
        "samples_per_s": 1e3 * batch / median,
        "memory": {**model.memory(batch, session.threads)._asdict(), **_resident_bytes()},
    }


def _resident_bytes() -> dict[str, int | None]:
    """Memory of this process, Python and NumPy included, now and at most; None where it is not known."""
    found: dict[str, int | None] = {"resident_bytes": None, "peak_resident_bytes": None}
    names = {"VmRSS": "resident_bytes", "VmHWM": "peak_resident_bytes"}
    try:
        with open("/proc/self/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in names:
                    found[names[key]] = 1024 * int(value.split()[0])
    except OSError:
        pass
    return found


def _print(report: dict[str, Any]) -> None:
    threads = f"{report['threads']} thread{'s' if report['threads'] > 1 else ''}"
    click.echo(
        f"{report['file']}: {report['isa']}, {threads}, batch {report['batch']}, {report['runs']} runs\n"
        f"  time    median {report['median_ms']:.4f} ms, p95 {report['p95_ms']:.4f} ms, "
        f"min {report['min_ms']:.4f} ms; {report['samples_per_s']:,.0f} samples/s"
    )
    memory = report["memory"]
    parts = [("arena", "arena_bytes"), ("workspace", "workspace_bytes"), ("weights", "packed_bytes")]
    total = sum(memory[key] for _, key in parts)
    listed = " + ".join(f"{name} {memory[key] / 1e3:,.0f}" for name, key in parts)
    line = f"  memory  {listed} = {total / 1e3:,.0f} kB"
    if memory["resident_bytes"]:
        line += f"; this process {memory['resident_bytes'] / 1e6:,.1f} MB"
    if memory["peak_resident_bytes"]:
        line += f", at most {memory['peak_resident_bytes'] / 1e6:,.1f} MB"
    click.echo(line)
    if "layers" in report:
        _print_layers(report["layers"])


def _print_layers(layers: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, show_footer=True, padding=(0, 1))
    table.add_column("step", "sum of medians")
    table.add_column("operator")
    table.add_column("ms", f"{sum(layer['ms'] for layer in layers):.4f}", justify="right")
    table.add_column("share", justify="right")
    table.add_column("G MAC/s", justify="right")
    table.add_column("fused")
    for layer in layers:
        table.add_row(
            layer["node"],
            layer["op"],
            f"{layer['ms']:.4f}",
            f"{100 * layer['share']:.1f} %",
            f"{layer['gmacs_per_s']:,.1f}" if layer["macs"] else "",
            ", ".join(name for name in layer["nodes"] if name != layer["node"]),
        )
    Console(highlight=False, width=200).print(table)
