"""How long loading a packed file takes, repacking included, and how much memory a session holds.

    python benchmarks/load.py [FILE] [--loads 15]

Without FILE a net of 4 MB of binary weights is exported first (needs MXNet). Each instruction set is measured
in a process of its own, with the file in the system's cache. "resident" is what loading and one run add:
anonymous memory of the process and resident pages of the file. The bar is 1.1 x (file + arena). Where an
instruction set stores weights in a longer form than the file ("repacked"), the bar is out of reach.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bmx import runtime

# In a process of its own, because memory that is freed does not always leave a process.
DESCRIBE = """
import json, sys
from bmx import runtime
model = runtime.Model(*sys.argv[1:])
print(json.dumps([model.memory()._asdict(), [value.shape for value in model.inputs]]))
"""


def export_binary_net(path: str) -> None:
    """Writes a net of 14 binary 3x3 layers of 512 channels: 4.1 MB of weights."""
    import mxnet as mx
    from mxnet.gluon import nn

    import bmx.gluon
    from bmx.gluon.nn import QConv2D

    mx.random.seed(0)
    net = nn.HybridSequential()
    for _ in range(14):
        net.add(QConv2D(512, 3, padding=1, in_channels=512), nn.BatchNorm(in_channels=512))
    net.add(nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dense(10, in_units=512))
    net.initialize(mx.init.Xavier())
    bmx.export(net, path, (1, 512, 14, 14), verify=False)


def anonymous_bytes() -> int:
    """Anonymous memory of this process, read with little memory of its own."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def file_bytes(path: str) -> int:
    """Resident pages of a mapped file."""
    kilobytes, inside = 0, False
    with open("/proc/self/smaps") as maps:
        for line in maps:
            key, _, value = line.partition(":")
            if "-" in key.split(" ")[0]:  # the first line of a mapping
                inside = line.rstrip().endswith(path)
            elif key == "Rss" and inside:
                kilobytes += int(value.split()[0])
    return 1024 * kilobytes


def measure(path: str, isa: str, loads: int) -> dict[str, float]:
    """Memory of one model and session, then the median time of further loads."""
    first = subprocess.run(
        [sys.executable, "-c", DESCRIBE, path, isa], check=True, capture_output=True, text=True
    )
    memory, shapes = json.loads(first.stdout)
    inputs = [np.ones((1, *shape), np.float32) for shape in shapes]
    before = anonymous_bytes()
    model = runtime.Model(path, isa)
    session = model.session()
    session.run(inputs)
    resident = anonymous_bytes() - before + file_bytes(path)
    times = []
    for _ in range(loads):
        start = time.perf_counter()
        runtime.Model(path, isa)
        times.append(1e3 * (time.perf_counter() - start))
    return {
        "load_ms": statistics.median(times),
        "resident": resident,
        "bar": 1.1 * (memory["file_bytes"] + memory["arena_bytes"]),
        "file": memory["file_bytes"],
        "repacked": memory["packed_bytes"],
        "arena": memory["arena_bytes"],
    }


def main() -> None:
    """Print one line an instruction set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a packed file; a binary net of 4 MB by default")
    parser.add_argument("--loads", type=int, default=15, help="loads to time (default 15)")
    parser.add_argument("--isa", help=argparse.SUPPRESS)  # of a process that measures
    arguments = parser.parse_args()
    if arguments.isa:
        print(json.dumps(measure(arguments.file, arguments.isa, arguments.loads)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or str(Path(folder) / "binary.bmx")
        if not arguments.file:
            export_binary_net(path)
        columns = ("load_ms", "resident", "bar", "file", "repacked", "arena")
        print("isa       " + "".join(f"{name:>10}" for name in columns) + "  (ms and kB)")
        for isa in runtime.isas():
            command = [sys.executable, __file__, path, "--isa", isa, "--loads", str(arguments.loads)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            cells = [f"{found['load_ms']:10.2f}", *(f"{found[name] / 1000:10,.0f}" for name in columns[1:])]
            print(f"{isa:<10}" + "".join(cells))


if __name__ == "__main__":
    main()
