"""What trainings on whole data sets reached, kept in docs/results/ and shown in docs/trained.md.

    bmx train --recipe mnist_quick --output digits
    python benchmarks/trained.py digits --command "bmx train --recipe mnist_quick --output digits"
    python benchmarks/trained.py --table > docs/trained.md

Log, description, curves and result of a training are kept. best.params is packed, and both the packed file
and MXNet classify all held-out images, the packed file from their bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from bmx.training import predict  # isort: skip  prepares MXNet
import numpy as np
from mxnet import gluon
from tqdm import tqdm

import bmx
from bmx import runtime
from bmx.files import write_atomically
from bmx.training import toml
from bmx.training.run import best_net
from bmx.training.schema import Config
from bmx.training.sources import Source

RESULTS = Path("docs/results")
KEPT = ("config.toml", "log.txt", "training.svg", "result.json")
BATCH = 100


def main() -> None:
    """Keep one training, or print the page of all."""
    parser = argparse.ArgumentParser(description="Results of trainings; see the top of the file.")
    parser.add_argument("output", nargs="?", type=Path, help="folder of a training that has ended")
    parser.add_argument("--command", help="what was typed")
    parser.add_argument("--table", action="store_true", help="print docs/trained.md")
    options = parser.parse_args()
    if options.table:
        print(page(), end="")
    elif options.output is None or not options.command:
        parser.error("expected the folder of a training and --command, or --table")
    else:
        print(keep(options.output, options.command))


def keep(output: Path, command: str) -> Path:
    """Put a training into the folder of results."""
    config = Config.from_dict(toml.read(output / "config.toml"), str(output))
    folder = RESULTS / f"{config.data.name}-{config.model.name}"
    folder.mkdir(parents=True, exist_ok=True)
    packed = {"command": command, **measure(config, output)}
    for name in KEPT:
        shutil.copyfile(output / name, folder / name)
    write_atomically(str(folder / "packed.json"), (json.dumps(packed, indent=1) + "\n").encode())
    return folder


def measure(config: Config, output: Path) -> dict[str, Any]:
    """The packed file of the best net."""
    net, source = best_net(config, output)
    return answers(net, source, output / "best.bmx")


def answers(net: gluon.HybridBlock, source: Source, path: Path) -> dict[str, Any]:
    """A net's packed file: size, latency, and how it classifies all held-out images of a source."""
    net.hybridize()
    sample, _ = next(iter(source.held_out()))
    sample = sample[:64].asnumpy()
    bmx.export(net, str(path), source.shape, source.preprocessing, source.classes, sample=sample)
    model = runtime.Model(str(path))
    pixels, labels = source.test
    images = np.ascontiguousarray(np.transpose(pixels, (0, 3, 1, 2)))
    batches = np.split(images, range(BATCH, len(images), BATCH))
    found = np.concatenate([model(part).argmax(axis=1) for part in tqdm(batches, disable=None)])
    others = np.flatnonzero(found != predict(net, source.held_out()))
    if others.size:
        check_ties(net, source._replace(test=(pixels[others], labels[others])), path)
    session = model.session()
    return {
        "bytes": path.stat().st_size,
        "images": len(labels),
        "accuracy": round(float((found == labels).mean()), 6),
        "agreement": 1 - len(others) / len(labels),
        "latency_ms": round(float(np.median(session.time(sample[:1]))), 4),
        "isa": model.isa,
    }


def check_ties(net: gluon.HybridBlock, source: Source, path: Path) -> None:
    """Stop unless all images that are answered differently are ties at a sign (docs/verification.md)."""
    samples = np.concatenate([batch.asnumpy() for batch, _ in source.held_out()])
    report = bmx.verify(net, str(path), samples)
    if not report.passed or report.ties != len(samples):
        raise SystemExit(f"{path} is not the net: {report}")


HEAD = """# Trained here

Nets trained on whole data sets, on two cores of a shared x86 machine without a GPU, and their packed files.
Each folder in `docs/results/` holds a training's description with all defaults, its log, curves and numbers;
`benchmarks/trained.py` makes this page from them. "last" is the accuracy after the last epoch, "best" that
after the epoch with the most held-out images right, which is the one that was packed. The packed file
classifies all held-out images from their bytes; agreement is the share of images on which MXNet gives the
same class. Latency is for one image on one thread.

"""
COLUMNS = "| data | net | last | best | training | packed file | packed accuracy | agreement | latency |\n"


def page() -> str:
    """The text of docs/trained.md."""
    folders = sorted(path.parent for path in RESULTS.glob("*/result.json"))
    rows, details = [], []
    for folder in folders:
        packed, result = (json.loads((folder / name).read_text()) for name in ("packed.json", "result.json"))
        config = toml.read(folder / "config.toml")
        rows.append(
            f"| {config['data']['name']} | [`{config['model']['name']}`](#{folder.name}) "
            f"| {100 * result['last_accuracy']:.2f} % | {100 * result['accuracy']:.2f} % "
            f"| epochs: {result['epochs']}; {result['seconds']:.0f} s | {packed['bytes']:,} bytes "
            f"| {100 * packed['accuracy']:.2f} % | {packed['agreement']:.4g} "
            f"| {packed['latency_ms']:.3f} ms ({packed['isa']}) |\n"
        )
        log = (folder / "log.txt").read_text().strip()
        details.append(
            f"\n## {folder.name}\n\n{config['title']}. {config['notes']}\n\n"
            f"```sh\n{packed['command']}\n```\n\n"
            f"![curves](results/{folder.name}/training.svg)\n\n```text\n{log}\n```\n"
        )
    return HEAD + COLUMNS + "|---" * (COLUMNS.count("|") - 1) + "|\n" + "".join(rows + details)


if __name__ == "__main__":
    main()
