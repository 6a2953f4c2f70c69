"""Every method of the literature on real digits: train, export, compare; the table of docs/methods.md.

    python benchmarks/methods.py --list
    python benchmarks/methods.py [SYSTEM ...] [--epochs N] [--short] [--results docs/results/methods.json]
    python benchmarks/methods.py --table docs/results/methods.json > docs/methods.md

Nets are small, so that each trains in minutes on two cores; they show that a method trains, exports and
verifies, not what it reaches on ImageNet. Needs the full MNIST (`bmx data fetch mnist`). `--short` takes few
digits and steps, and any digits that are at hand: it shows that everything runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np
from systems import SYSTEMS, System

from bmx import runtime
from bmx.exporter import export
from bmx.files import write_atomically
from bmx.gluon.data import load_mnist
from bmx.training import Batches, fit, predict, random_shift, seed_everything

BATCH = 100
SHAPE = (1, 1, 28, 28)
CLASSES = [str(digit) for digit in range(10)]
SHORT = {"train": 600, "test": 200, "epochs": 1}


def main() -> None:
    """Train the chosen systems, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SYSTEM", help="systems to train (default: all)")
    parser.add_argument("--list", action="store_true", help="print the systems and stop")
    parser.add_argument("--epochs", type=int, help="passes over the digits (default: the system's own)")
    parser.add_argument("--seed", type=int, default=0, help="of initialization and order (default 0)")
    parser.add_argument("--short", action="store_true", help="few digits, one pass: shows that all runs")
    parser.add_argument("--results", help="JSON file that the rows are added to")
    parser.add_argument("--table", metavar="RESULTS", help="print docs/methods.md from such a file and stop")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{system.name:16} {system.title}" for system in SYSTEMS.values()))
    elif options.table:
        print(table(json.loads(Path(options.table).read_text())), end="")
    else:
        unknown = [name for name in options.names if name not in SYSTEMS]
        if unknown:
            sys.exit(f"methods.py: there is no system {unknown[0]!r}; known: {', '.join(SYSTEMS)}")
        for name in options.names or SYSTEMS:
            row = run(SYSTEMS[name], options)
            print(json.dumps(row), flush=True)
            if options.results:
                add(options.results, row)


def run(system: System, options: argparse.Namespace) -> dict[str, Any]:
    """Train one system, export it and compare its classes with the net's."""
    seed_everything(options.seed)
    train, test = load_mnist("train"), load_mnist("test")
    if not options.short and train.source != "mnist":
        sys.exit("methods.py: the full MNIST is not here; run `bmx data fetch mnist`, or give --short")
    limits = (SHORT["train"], SHORT["test"]) if options.short else (None, None)
    x, held_out = (system.inputs(d.images[:n]) for d, n in zip((train, test), limits))
    net = system.build()
    net.initialize(mx.init.Xavier(magnitude=system.magnitude))
    net(mx.nd.array(x[:2]))
    system.prepare(net)
    net.hybridize(static_alloc=True)
    data = Batches(x, train.labels[: limits[0]], BATCH, shuffle=True, augment=random_shift(1))
    held_out_data = Batches(held_out, test.labels[: limits[1]], BATCH)
    epochs = options.epochs or (SHORT["epochs"] if options.short else system.epochs)
    start = time.perf_counter()
    results = fit(
        net,
        data,
        held_out_data,
        epochs,
        system.optimizer,
        system.learning_rate,
        name=system.name,
        criterion=system.criterion() if system.criterion else None,
        make_trainer=system.make_trainer,
        before_step=system.before_step(net),
        log=lambda line: print(line, file=sys.stderr, flush=True),
    )
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "net.bmx")
        report = export(net, path, SHAPE, system.preprocessing, CLASSES, sample=held_out[:64])
        model = runtime.Model(path)
        images = test.images[: len(held_out)]
        packed = np.concatenate([classes_of(model, part) for part in np.split(images, len(images) // BATCH)])
        size = Path(path).stat().st_size
    return {
        "system": system.name,
        "accuracy": round(100 * results[-1].accuracy, 2),
        "epochs": epochs,
        "seconds": round(seconds),
        "bytes": size,
        "agreement": float((packed == predict(net, held_out_data)).mean()),
        "max_difference": float(report.max_abs_difference),
        "digits": train.source,
    }


def classes_of(model: runtime.Model, images: np.ndarray) -> np.ndarray:
    """Classes of uint8 images [batch, 28, 28] by the packed file."""
    return model(images[:, np.newaxis]).argmax(axis=1)


def add(path: str, row: dict[str, Any]) -> None:
    """Put a row into the file of results, in the place of the system's older one."""
    rows = json.loads(Path(path).read_text()) if Path(path).exists() else {}
    rows[row["system"]] = row
    ordered = {name: rows[name] for name in SYSTEMS if name in rows}
    write_atomically(path, (json.dumps(ordered, indent=1) + "\n").encode())


HEAD = """# Methods

Every method as layers of `bmx.gluon.nn`, trained on the full MNIST (60,000 digits to learn, 10,000 held out)
by `python benchmarks/methods.py SYSTEM`, exported, and compared with the net on the 10,000 held-out digits.
Agreement is the share of digits that the packed file classifies as the net does. Time is that of the
training, on one core of a shared x86 machine whose other core trained another system. The nets are small, to
train in minutes: they show that a method trains and exports, not which one is best. `benchmarks/systems.py`
has the nets, the docstring of a layer its formulas.

| system | layers | formulas | accuracy | training | packed file | agreement |
|---|---|---|---|---|---|---|
"""


def table(rows: dict[str, dict[str, Any]]) -> str:
    """docs/methods.md."""
    lines = []
    for name, row in rows.items():
        system = SYSTEMS[name]
        paper = f"[{system.paper}]({system.link})"
        lines.append(
            f"| {system.title} (`{name}`) | {system.layers} | {paper} | {row['accuracy']:.2f} % "
            f"| epochs: {row['epochs']}; {row['seconds']} s | {row['bytes']:,} bytes "
            f"| {row['agreement']:.4g} |\n"
        )
    return HEAD + "".join(lines)


if __name__ == "__main__":
    main()
