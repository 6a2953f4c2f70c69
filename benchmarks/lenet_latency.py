"""One image through LeNet: MXNet's float net against the packed binary file, on every instruction set.

    python benchmarks/lenet_latency.py [--runs 300]

The contenders take turns in one loop, so that a busy machine slows all of them alike: compare the ratios.
Weights are random, which does not change the time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Callable

import bmx.gluon  # noqa: F401  first: it prepares NumPy for MXNet

# isort: split
import mxnet as mx
import numpy as np

from bmx import exporter, runtime
from bmx.gluon import model_zoo

SHAPE = (1, 1, 28, 28)


def contenders(folder: str) -> dict[str, Callable[[], object]]:
    """What is timed: name -> one run."""
    nets = {}
    for binary in (False, True):
        nets[binary] = model_zoo.get_model("lenet", binary=binary)
        nets[binary].initialize(mx.init.Xavier())
        nets[binary](mx.nd.zeros(SHAPE))
    path = str(Path(folder) / "lenet.bmx")
    exporter.export(nets[True], path, SHAPE)
    nets[False].hybridize(static_alloc=True, static_shape=True)
    x = np.random.RandomState(0).standard_normal(SHAPE).astype(np.float32)
    array = mx.nd.array(x)
    runs: dict[str, Callable[[], object]] = {"float, MXNet": lambda: nets[False](array).wait_to_read()}
    for isa in runtime.isas():
        session = runtime.Model(path, isa=isa).session()
        runs[f"packed, {isa}"] = lambda session=session: session.run(x)
    return runs


def main() -> None:
    """Print one line a contender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300, help="runs of each contender (default 300)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        times: dict[str, list[float]] = {}
        candidates = contenders(folder)
        for _ in range(runs):
            for name, run in candidates.items():
                start = time.perf_counter()
                run()
                times.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
    medians = {name: statistics.median(values) for name, values in times.items()}
    float_ms = medians["float, MXNet"]
    for name, median in medians.items():
        print(f"{name:16} {median:8.3f} ms   {float_ms / median:6.1f} x")


if __name__ == "__main__":
    main()
