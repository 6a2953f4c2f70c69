"""`bmx export`: a trained net becomes a packed file."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any, Sequence

import click

from bmx.commands.support.options import NamedShape, Numbers, example, json_option
from bmx.commands.support.source import load_net, params_option, source_argument


@click.command(
    epilog=example(
        "bmx export lenet lenet.bmx --params lenet.params --input-shape 1,1,28,28",
        "bmx export train:build net.bmx --input-shape 1,3,32,32 --scale 0.00392 --classes labels.txt",
        "bmx export net-symbol.json net.bmx --params net-0000.params --input-shape 1,3,32,32",
    )
)
@source_argument()
@click.argument("output", metavar="OUT.bmx")
@click.option(
    "--input-shape",
    type=NamedShape(),
    required=True,
    multiple=True,
    metavar="[NAME=]SHAPE",
    help="Batch axis first, for example 1,1,28,28. For several inputs once each, in order; with names "
    "(x=1,1,28,28) the packed file's inputs have them.",
)
@params_option
@click.option(
    "--classes", metavar="FILE", help="Text file with a class label on each line; stored in the packed file."
)
@click.option(
    "--scale", type=float, help="Images are fed as (pixel * scale - mean) / std; stored in the packed file."
)
@click.option("--mean", type=Numbers(), help="One number, or one per channel.")
@click.option("--std", type=Numbers(), help="One number, or one per channel.")
@click.option("--no-verify", is_flag=True, help="Do not compare the packed file with the net.")
@json_option
def export(
    source: str,
    output: str,
    input_shape: tuple[tuple[str, tuple[int, ...]], ...],
    params: str | None,
    classes: str | None,
    scale: float | None,
    mean: list[float] | None,
    std: list[float] | None,
    no_verify: bool,
    as_json: bool,
) -> None:
    """Pack a trained net into OUT.bmx and verify it against MXNet."""
    import bmx

    labels = None if classes is None else _read_labels(classes)
    shapes = _shapes(input_shape)
    preprocessing = _preprocessing(scale, mean, std, input_shape[0][1], len(input_shape))
    net = load_net(source, params, None if labels is None else len(labels))
    # bmx.export prints its report; with --json only JSON may reach stdout.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        report = bmx.export(
            net, output, shapes, preprocessing=preprocessing, classes=labels, verify=not no_verify
        )
    if as_json:
        size = Path(output).stat().st_size
        click.echo(
            json.dumps({"path": output, "bytes": size, "report": report and report.as_dict()}, indent=2)
        )
    elif report is None:
        click.echo(f"{output}: {Path(output).stat().st_size:,} bytes, not verified")


def _shapes(given: Sequence[tuple[str, tuple[int, ...]]]) -> Any:
    """The shapes as `bmx.export` takes them: one, several, or by name."""
    names = [name for name, _ in given if name]
    if not names:
        return given[0][1] if len(given) == 1 else [shape for _, shape in given]
    if len(set(names)) < len(given):
        raise click.UsageError(
            f"--input-shape: {len(given)} shapes and the names {', '.join(names)}; "
            "give each input a name of its own, or none a name"
        )
    return dict(given)


def _read_labels(path: str) -> list[str]:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise click.UsageError(f"--classes: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(
            f"--classes: {path} is not UTF-8 text; expected a class label a line"
        ) from None
    labels = [line.strip() for line in lines if line.strip()]
    if not labels:
        raise click.UsageError(f"--classes: {path} is empty; expected one class label on each line")
    return labels


def _preprocessing(
    scale: float | None,
    mean: list[float] | None,
    std: list[float] | None,
    input_shape: Sequence[int],
    inputs: int,
) -> dict[str, Any] | None:
    """The preprocessing to store, or None if no option asks for one."""
    if scale is None and mean is None and std is None:
        return None
    if inputs > 1:
        raise click.UsageError(
            "--scale, --mean and --std are for nets of one input; bmx.export takes preprocessing by name"
        )
    channels = input_shape[1] if len(input_shape) == 4 else 1
    return {
        "scale": 1.0 if scale is None else scale,
        "mean": _per_channel("--mean", mean or [0.0], channels),
        "std": _per_channel("--std", std or [1.0], channels),
    }


def _per_channel(option: str, numbers: list[float], channels: int) -> list[float]:
    if len(numbers) not in (1, channels):
        expected = "1" if channels == 1 else f"1 or {channels}, one per channel"
        raise click.UsageError(f"{option} has {len(numbers)} numbers; expected {expected}")
    return numbers * channels if len(numbers) == 1 else numbers
