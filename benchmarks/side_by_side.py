"""GluonCV's train_cifar10.py, unmodified: a float net, and then its binary counterpart.

    python benchmarks/side_by_side.py train_cifar10.py --work build/side_by_side -- --num-epochs 12 ...
    python benchmarks/side_by_side.py --table > docs/side_by_side.md

What follows -- goes to the script, for both nets. docs/results/train_cifar10/ keeps both logs, the commands,
the curves, and the packed file's size, latency and answers to all held-out images.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

from trained import answers  # isort: skip  prepares MXNet
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from bmx.files import write_atomically
from bmx.gluon.model_zoo import register_in_gluoncv
from bmx.training.schema import Data
from bmx.training.sources import open_source

FOLDER = Path("docs/results/train_cifar10")
FLOAT = "cifar_resnet20_v1"
BINARY = f"binarized:{FLOAT}"
SHORTCUTS = "per_conv"
LINE = re.compile(r"\[Epoch (\d+)\] train=(\S+) val=(\S+) loss=(\S+) time: (\S+)")
# The script's own normalization.
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]


class Epoch(NamedTuple):
    """A line of the script's log."""

    number: int
    train: float
    held_out: float
    loss: float
    seconds: float


def main() -> None:
    """Run both, or print the page."""
    parser = argparse.ArgumentParser(description="A script with two nets; see the top of the file.")
    parser.add_argument("script", nargs="?", help="GluonCV's train_cifar10.py")
    parser.add_argument("--work", type=Path, default=Path("build/side_by_side"), help="folder of parameters")
    parser.add_argument("--table", action="store_true", help="print docs/side_by_side.md")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:end])
    if options.table:
        print(page(), end="")
    elif options.script is None:
        parser.error("expected the script, or --table")
    else:
        run(os.path.abspath(options.script), sys.argv[end + 1 :], options.work)


def run(script: str, arguments: list[str], work: Path) -> None:
    """Train both nets and keep the results."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    commands = {
        "float": ["python", script, "--model", FLOAT, *arguments],
        "binary": [
            *("python", "-m", "bmx.recipes", "--shortcuts", SHORTCUTS, script, "--model", BINARY, *arguments)
        ],
    }
    for kind, command in commands.items():
        folder = work / kind
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        log = "".join(_lines([sys.executable, *command[1:], "--save-dir", "params"], folder))
        write_atomically(str(FOLDER / f"{kind}.txt"), log.encode())
    typed = {kind: " ".join(command).replace(script, Path(script).name) for kind, command in commands.items()}
    result = {"commands": typed, **pack(work / "binary")}
    write_atomically(str(FOLDER / "packed.json"), (json.dumps(result, indent=1) + "\n").encode())
    write_atomically(str(FOLDER / "curves.svg"), curves({kind: epochs(kind) for kind in commands}))


def _lines(command: list[str], folder: Path) -> list[str]:
    """The lines of the log; each is shown as it comes."""
    kept = []
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "[Epoch" in line or line.startswith("bmx"):
                kept.append(line)
                print(line, end="", flush=True)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return kept


def pack(folder: Path) -> dict[str, Any]:
    """The binary net with the parameters that the script found best, as a packed file."""
    from gluoncv import model_zoo  # only here: it warns, and the page does not need it

    best = max((folder / "params").glob("*-best.params"), key=lambda path: path.stat().st_mtime)
    with register_in_gluoncv(shortcuts=SHORTCUTS):
        net = model_zoo.get_model(BINARY, classes=10)
    net.load_parameters(str(best))
    source = open_source(Data(name="cifar10"))._replace(mean=MEAN, std=STD)
    return answers(net, source, folder / "net.bmx")


def epochs(kind: str) -> list[Epoch]:
    """The epochs that a log reports."""
    found = LINE.findall((FOLDER / f"{kind}.txt").read_text())
    return [Epoch(int(number), *map(float, rest)) for number, *rest in found]


def curves(logs: dict[str, list[Epoch]]) -> bytes:
    """Accuracies over the epochs."""
    with rc_context({"svg.hashsalt": "bmx", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axis = figure.subplots()
        for (kind, log), color in zip(logs.items(), ("steelblue", "crimson")):
            numbers = [epoch.number + 1 for epoch in log]
            axis.plot(
                numbers, [100 * epoch.held_out for epoch in log], color=color, label=f"{kind}, held out"
            )
            axis.plot(
                numbers, [100 * epoch.train for epoch in log], "--", color=color, label=f"{kind}, training"
            )
        axis.set_xlabel("epoch")
        axis.set_ylabel("accuracy, %")
        axis.grid(alpha=0.3)
        axis.legend(loc="lower right")
        content = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return content.getvalue()


HEAD = """# GluonCV's script, float and binary

`train_cifar10.py` of GluonCV, unmodified, on the whole of CIFAR-10: GluonCV's net, and the same net made
binary by `bmx.gluon.binarize` with a shortcut around each convolution. The schedule is short and that of
float nets, for both (two cores of a shared x86 machine, no GPU); `benchmarks/side_by_side.py` repeats it.

| net | epochs | last | best | median epoch |
|---|---|---|---|---|
"""


def page() -> str:
    """The text of docs/side_by_side.md."""
    result = json.loads((FOLDER / "packed.json").read_text())
    logs = {kind: epochs(kind) for kind in ("float", "binary")}
    seconds = {kind: statistics.median(epoch.seconds for epoch in log) for kind, log in logs.items()}
    text = HEAD
    for kind, log in logs.items():
        last, best = 100 * log[-1].held_out, 100 * max(epoch.held_out for epoch in log)
        text += f"| {kind} | {len(log)} | {last:.2f} % | {best:.2f} % "
        text += f"| {seconds[kind]:.1f} s |\n"
    ratio = seconds["binary"] / seconds["float"]
    sentences = (
        f"An epoch of the binary net costs {ratio:.2f} times that of the float net. Its packed "
        f"file has {result['bytes']:,} bytes and takes {result['latency_ms']:.3f} ms for "
        f"an image on one thread ({result['isa']}). It classifies {100 * result['accuracy']:.2f} % of the "
        f"{result['images']:,} held-out images right, from their bytes, and "
        f"{100 * result['agreement']:.4g} % as MXNet does."
    )
    if result["agreement"] < 1:
        sentences += (
            " On the others a float sum in front of a sign is zero to within rounding, and all layers agree "
            "(docs/verification.md)."
        )
    text += f"\n{textwrap.fill(sentences, 110)}\n\n![curves](results/train_cifar10/curves.svg)\n"
    for kind in logs:
        log_text = (FOLDER / f"{kind}.txt").read_text()
        text += f"\n```sh\n{result['commands'][kind]}\n```\n\n```text\n{log_text}```\n"
    return text


if __name__ == "__main__":
    main()
