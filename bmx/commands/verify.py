"""`bmx verify`: the answers of a net and its packed file, compared."""

from __future__ import annotations

import json

import click

from bmx.commands.support.options import comparison_options, example
from bmx.commands.support.source import load_net


@click.command(epilog=example("bmx verify lenet demo/lenet.bmx --params demo/lenet.params"))
@comparison_options(samples=32, of_what="outputs")
def verify(
    source: str,
    file: str,
    params: str | None,
    samples: tuple[str, ...],
    tolerance: float,
    isa: str | None,
    as_json: bool,
) -> None:
    """Run a net in MXNet and its packed FILE on the same inputs and compare.

    The exit code is 1 if they differ; 'bmx diff' then shows where.
    """
    import bmx
    from bmx.commands.support.arrays import load_samples

    model = bmx.runtime.Model(file, isa=isa)
    inputs = load_samples(samples)
    net = load_net(source, params, model.outputs[0].shape[-1])
    report = bmx.verify(net, file, inputs, tolerance=tolerance, isa=isa)
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else f"{file}: {report}")
    if not report.passed:
        raise click.ClickException(
            f"{file}: the packed file does not answer as {source} does; export it again, or see 'bmx diff'"
        )
