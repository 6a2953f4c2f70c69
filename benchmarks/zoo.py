"""Every net of the zoo: runs, learns a step, is saved, loaded, exported, verified; the table of docs/zoo.md.

    python benchmarks/zoo.py [NAME ...] [--results docs/results/zoo.json]
    python benchmarks/zoo.py [NAME ...] --results docs/results/zoo.json --measure build/zoo
    python benchmarks/zoo.py --table docs/results/zoo.json > docs/zoo.md
    python benchmarks/zoo.py --plots docs/results/zoo.json docs

Without names: all of `bmx list models`. Weights are random, statistics of batch norms those of a batch, their
gammas of both signs. Ends with a table of sizes, operations and latency (one thread, batch 1), and with exit
status 1 if a net failed. --measure packs nets into a folder, those that it lacks, and measures sizes and
latencies anew when all are there: checking leaves the machine warm and its memory in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import bmx.gluon  # first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from tqdm import tqdm

from bmx import runtime
from bmx.files import write_atomically
from bmx.gluon import model_zoo
from bmx.gluon.model_zoo import registry

SAMPLES, BATCH = 4, 2
# Sums of floats differ in order; deep random nets amplify that.
TOLERANCE = 1e-3
SEED = 17


def main() -> None:
    """Check nets, or print the table or draw the plots from what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="nets to check (default: all)")
    parser.add_argument("--results", help="JSON file that the rows are added to")
    parser.add_argument("--measure", metavar="FOLDER", help="sizes and latencies only, of files kept there")
    parser.add_argument("--table", metavar="RESULTS", help="print docs/zoo.md from such a file and stop")
    parser.add_argument("--plots", nargs=2, metavar=("RESULTS", "FOLDER"), help="draw the plots and stop")
    options = parser.parse_args()
    if options.table:
        print(page(json.loads(Path(options.table).read_text())), end="")
    elif options.plots:
        draw(json.loads(Path(options.plots[0]).read_text()), Path(options.plots[1]))
    elif options.measure:
        if not options.results:
            parser.error("--measure changes rows of --results RESULTS")
        measure_all(options.names, options.results, Path(options.measure))
    else:
        sys.exit(check_all(options.names or model_zoo.list_models(), options.results))


def check_all(names: list[str], results: str | None) -> int:
    """Check nets one after the other; 1 if one failed."""
    rows, failed = {}, []
    with tqdm(names, unit=" nets", disable=None) as bar:
        for name in bar:
            bar.set_description(name)
            try:
                rows[name] = check(name)
            except Exception:  # the others are to be checked all the same
                failed.append(name)
                bar.write(f"{name}: FAILED\n{traceback.format_exc()}")
                continue
            bar.write(json.dumps({"name": name, **rows[name]}))
            if results:
                add(results, name, rows[name])
    print(report(rows))
    if failed:
        print(f"{len(failed)} of {len(names)} nets failed: {', '.join(failed)}")
    return 1 if failed else 0


def check(name: str) -> dict[str, Any]:
    """All that a net must do, at the size it is made for."""
    start = time.perf_counter()
    shape = model_zoo.input_shape(name)
    net, images = trained(name, shape)
    net.hybridize()
    expected = net(images).asnumpy()
    with tempfile.TemporaryDirectory() as folder:
        parameters, path = str(Path(folder) / "net.params"), str(Path(folder) / "net.bmx")
        net.save_parameters(parameters)
        again = model_zoo.get_model(name)
        again.load_parameters(parameters)
        again.hybridize()
        np.testing.assert_array_equal(again(images).asnumpy(), expected)
        bmx.export(net, path, (1, *shape), verify=False)
        samples = np.random.RandomState(SEED).standard_normal((SAMPLES, *shape)).astype(np.float32)
        verified = bmx.verify(net, path, samples, tolerance=TOLERANCE, batch_size=BATCH)
        if not verified.passed:
            raise AssertionError(f"{name}: the packed file differs from the net: {verified}")
        latency = milliseconds(path, shape)
        size = Path(path).stat().st_size
    counts = bmx.summary(net, (1, *shape))
    return {
        "params": counts.params,
        "binary_params": counts.binary_params,
        "mib": round(counts.size_bytes / 2**20, 3),
        "ops": round(counts.ops),
        "file_mib": round(size / 2**20, 3),
        "ms": round(latency, 2),
        "input": list(shape),
        "seconds": round(time.perf_counter() - start),
    }


def measure_all(names: list[str], results: str, folder: Path) -> None:
    """Sizes and latencies of nets that have a row, by default of all that do."""
    rows = json.loads(Path(results).read_text())
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.bmx" for name in names or rows}
    for name in tqdm([name for name, path in files.items() if not path.exists()], unit=" nets", disable=None):
        shape = model_zoo.input_shape(name)
        net, _ = trained(name, shape)
        bmx.export(net, str(files[name]), (1, *shape), verify=False)
        del net
    for name, path in files.items():
        latency = milliseconds(str(path), model_zoo.input_shape(name))
        found = {"file_mib": round(path.stat().st_size / 2**20, 3), "ms": round(latency, 2)}
        print(name, found)
        add(results, name, {**rows[name], **found})


def trained(name: str, shape: tuple[int, ...]) -> tuple[gluon.HybridBlock, mx.nd.NDArray]:
    """A net after one step in training mode, whose statistics are those of the batch, and the batch."""
    mx.random.seed(SEED)
    random = np.random.RandomState(SEED)
    net = model_zoo.get_model(name)
    net.initialize(mx.init.Xavier())
    images = mx.nd.array(random.standard_normal((BATCH, *shape)))
    net(images[:1])
    for key, parameter in net.collect_params(".*(gamma|beta)$").items():
        if parameter.grad_req != "null":
            signs = random.choice([-1, 1], parameter.shape, p=[0.1, 0.9])
            low, high = (0.7, 1.3) if key.endswith("gamma") else (-0.2, 0.2)
            parameter.set_data(mx.nd.array(random.uniform(low, high, parameter.shape) * signs))
    set_momentum(net, 0.0)
    with autograd.record():
        output = net(images)
    output.backward(mx.nd.random.normal(shape=output.shape))
    for parameter in net.collect_params().values():
        if parameter.grad_req != "null" and not np.isfinite(parameter.grad().asnumpy()).all():
            raise AssertionError(f"{name}: the gradient of {parameter.name} is not finite")
    set_momentum(net, 0.9)
    return net, images


def set_momentum(net: gluon.Block, momentum: float) -> None:
    """Set the share of the old statistics that a step in training mode keeps."""

    def change(block: gluon.Block) -> None:
        if isinstance(block, gluon.nn.BatchNorm):
            block._kwargs["momentum"] = momentum

    net.apply(change)


def milliseconds(path: str, shape: tuple[int, ...]) -> float:
    """Median time of one image on one thread."""
    session = runtime.Model(path).session()
    image = np.random.RandomState(SEED).standard_normal((1, *shape)).astype(np.float32)
    first = session.time([image], 3)
    runs = int(np.clip(1500 / np.median(first), 5, 200))
    return float(np.median(session.time([image], runs)))


def add(path: str, name: str, row: dict[str, Any]) -> None:
    """Put a row into the file of results, in the place of the net's older one."""
    rows = json.loads(Path(path).read_text()) if Path(path).exists() else {}
    rows[name] = row
    write_atomically(path, (json.dumps(dict(sorted(rows.items())), indent=1) + "\n").encode())


def report(rows: dict[str, dict[str, Any]]) -> str:
    """The table at the end of a check."""
    lines = [f"{'net':26} {'params':>12} {'MiB':>9} {'file MiB':>9} {'Mops':>9} {'ms':>9} {'check':>7}"]
    for name, row in rows.items():
        lines.append(
            f"{name:26} {row['params']:12,} {row['mib']:9.3f} {row['file_mib']:9.3f} {row['ops'] / 1e6:9.1f} "
            f"{row['ms']:9.2f} {row['seconds']:5} s"
        )
    return "\n".join(lines)


HEAD = """# Model zoo

`bmx.gluon.model_zoo.get_model(name, classes=1000)` builds a net; `bmx list models` lists the names with their
papers, `bmx summary NAME` counts a net's layers, and [adding an architecture](adding.md) costs one file. In
GluonCV's scripts the names have the prefix `bmx_` ([recipes](recipes.md)).

Top-1 on ImageNet is the accuracy published for the architecture, not one that bmx has trained; "unconfirmed"
figures are quoted by others and were not found in a source of the authors. Parameters, size (binary ones as
one bit) and operations (float + binary / 64, convolutions) follow the counting of BMXNet and MeliusNet. An
architecture names the published figures where it is registered, and a test holds it to them. Latency is the
median for one image on one thread of a shared x86 machine with AVX-512. The table has the nets that were
measured; `make zoo-check` looks for missing ones, and runs every net forward and backward, hybridized, saved,
loaded, exported and verified.

Packed size is that of our file. It is at most 3 % above the computed size, which counts parameters only,
except where a file describes more than a thousand nodes (ABC-Net, 5 terms by 5) or is so small that its
description counts (HORQ's nets and `resnete_small`). HORQ's also hold more numbers than parameters: its
residuals need the batch norm before a sign, of which other nets keep only thresholds.

![published accuracy against latency](zoo_latency.svg)

![published accuracy against size](zoo_size.svg)

| name | paper | top-1, % | params | MiB | Mops | packed, MiB | ms |
|---|---|---|---|---|---|---|---|
"""


def page(rows: dict[str, dict[str, Any]]) -> str:
    """docs/zoo.md."""
    lines = []
    for name, row in rows.items():
        paper, published = registry.find(name).paper, registry.find(name).published
        link = f"[{paper.name}]({paper.link})" if paper else ""
        accuracy = f"{published.top1:g} ({published.source})" if published.top1 else ""
        latency = f"{row['ms']:.{1 if row['ms'] >= 1 else 2}f}"
        image = "" if row["input"] == [3, 224, 224] else f" ({'x'.join(map(str, row['input']))})"
        lines.append(
            f"| `{name}`{image} | {link} | {accuracy} | {row['params']:,} | {row['mib']:.2f} "
            f"| {row['ops'] / 1e6:,.1f} | {row['file_mib']:.2f} | {latency} |\n"
        )
    return HEAD + "".join(lines)


def draw(rows: dict[str, dict[str, Any]], folder: Path) -> None:
    """Both plots, as SVG."""
    known = {name: row for name, row in rows.items() if registry.find(name).published.top1}
    for key, label, file in (
        ("ms", "latency for one image, one thread, ms", "zoo_latency.svg"),
        ("file_mib", "packed file, MiB", "zoo_size.svg"),
    ):
        write_atomically(str(folder / file), scatter(known, key, label))


def scatter(rows: dict[str, dict[str, Any]], key: str, label: str) -> bytes:
    """Published top-1 against one of a row's numbers; a color for each paper."""
    import io

    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    models = {name: registry.find(name) for name in rows}
    papers = sorted({model.paper.name for model in models.values()})
    colors = matplotlib.colormaps["tab20"]
    with matplotlib.rc_context({"svg.hashsalt": "bmx", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 6.5), layout="constrained")
        axis = figure.subplots()
        for index, paper in enumerate(papers):
            names = [name for name, model in models.items() if model.paper.name == paper]
            points = sorted((rows[name][key], models[name].published.top1, name) for name in names)
            x, y, _ = zip(*points)
            axis.plot(x, y, "o-", color=colors(index % 20), markersize=4, linewidth=0.8, label=paper)
            for at, height, name in points:
                axis.annotate(name, (at, height), xytext=(3, 3), textcoords="offset points", fontsize=6)
        axis.set_xscale("log")
        axis.set_xlabel(label)
        axis.set_ylabel("published top-1 on ImageNet, %")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, loc="lower right")
        content = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return content.getvalue()


if __name__ == "__main__":
    main()
